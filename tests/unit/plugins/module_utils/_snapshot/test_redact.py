# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts are shown without secrets, and a secret that changed shows as changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._snapshot.redact import MOST_BYTES, redact_pair, why_hidden, why_unreadable

pytestmark = pytest.mark.feature("A17")

SECRET = "hunter2-planted"


@pytest.mark.parametrize(
    "text",
    [
        "Environment=TOKEN={}",
        "Environment=A=1 DB={}",
        'Environment="A=b {} c" B=1',
        "Environment='A=x{}'",
        'Environment=A="{}"',
        "Environment=A=1 \\\n  B={} \\\n  C=1",
        'Environment="A=1 \\\n {}"',
        "SetCredential=db:{}",
        "  Environment = X={}",
        "ExecStart=/usr/bin/docker run -e X={} busybox",
        "ExecStart=/usr/bin/docker run --env=X='{}' busybox",
        "ExecStart=/usr/bin/docker run -eX={} busybox",
        "ExecStart=/opt/app --db-password {}",
        "ExecStart=/opt/app --api-key={} --verbose",
        "ExecStart=/bin/sh -c 'PGPASSWORD={} psql'",
        "PodmanArgs=-e X={}",
        "url = postgres://app:{}@db/app",
        "db_password: {}",
        "  - SECRET_KEY={}",
        '  "auth_token": "{}",',
        "password {}".replace(" ", " = "),
        "services:\n  web:\n    environment:\n      DB: {}\n      OTHER: x",
        "services:\n  web:\n    environment:\n    - DB={}\n    ports: []",
        "services:\n  web:\n    environment:\n      DB: |\n        {}\n    ports: []",
        "services:\n  web:\n    environment: {{DB: {}}}",
        "services:\n  web:\n    build:\n      args:\n        X: {}",
        "export X={}",
        "ENV X {}",
        "ENV X={}",
    ],
)
def test_a_secret_is_taken_out_and_its_change_is_shown(text):
    before, after = redact_pair(text.format(SECRET), text.format("another-one"))
    assert SECRET not in before + after
    assert "another-one" not in before + after
    assert before != after
    same = redact_pair(text.format(SECRET), text.format(SECRET))
    assert same[0] == same[1]
    assert SECRET not in same[0]


@pytest.mark.parametrize(
    "text",
    [
        "[Service]\nExecStart=/usr/bin/python3 -m http.server 8080\nRestart=always\nUser=deploy\n",
        "[Timer]\nOnCalendar=hourly\nPersistent=true\n",
        "EnvironmentFile=/etc/shop.env\n",
        "services:\n  web:\n    image: nginx:1.25\n    ports:\n      - 8080:80\n    restart: always\n",
        "Image=docker.io/library/nginx:1.25\nPublishPort=8080:80\n",
        "# a comment\n\nlisten 80;\n",
    ],
)
def test_what_is_no_secret_stays(text):
    assert redact_pair(text, text) == (text, text)


def test_after_a_block_the_rest_stays():
    text = "services:\n  web:\n    environment:\n      A: 1\n    image: nginx\nvolumes:\n  data: here\n"
    shown = redact_pair(text, text)[0]
    assert "image: nginx" in shown
    assert "data: here" in shown
    assert "A: <withheld>" in shown


@given(st.text(), st.text())
def test_every_text_can_be_redacted_and_keeps_its_lines(before, after):
    first, second = redact_pair(before, after)
    assert len(first.splitlines()) == len(before.splitlines())
    assert len(second.splitlines()) == len(after.splitlines())


@pytest.mark.parametrize(
    "path",
    [
        "/srv/shop/.env", "/srv/shop/prod.env", "/srv/shop/.env.local", "/etc/ssl/x.key", "/srv/tls.pem", "/root/id_ed25519",
        "/srv/db_password", "/srv/secrets.yml", "/srv/.htpasswd", "/etc/default/app", "/etc/sysconfig/app", "/root/.docker/config.json",
        "/var/spool/cron/crontabs/root",
    ],
)  # fmt: skip
def test_files_of_secrets_are_not_shown(path):
    assert why_hidden(path, 0o644)


@pytest.mark.parametrize(
    "path", ["/etc/systemd/system/web.service", "/srv/shop/compose.yaml", "/etc/containers/systemd/web.container", "/etc/crontab"]
)
def test_others_are_where_everybody_on_the_host_may_read_them(path):
    assert why_hidden(path, 0o644) == ""
    assert "not readable" in why_hidden(path, 0o640)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a" * (MOST_BYTES + 1), "64 KiB"),
        (b"a\0b", "binary"),
        (b"\xff\xfe", "binary"),
        (b"x\n-----BEGIN OPENSSH PRIVATE KEY-----\n", "private key"),
        (b"-----BEGIN CERTIFICATE-----\n", ""),
        (b"", ""),
    ],
)
def test_what_cannot_be_shown_is_said(content, why):
    assert why in why_unreadable(content)
    assert bool(why) == bool(why_unreadable(content))
