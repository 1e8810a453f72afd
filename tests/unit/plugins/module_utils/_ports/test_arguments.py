# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports that a command line asks for, and numbers that are none."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._ports.arguments import PROGRAMS, find_ports, is_silent, read_commands

pytestmark = pytest.mark.feature("B12", "B14")


def found(line: str) -> list[str]:
    ports = find_ports(shlex.split(line))
    assert {port.confidence for port in ports} <= {"inferred"}
    return [f"{port.address} {port.port}/{port.proto}" for port in ports]


@pytest.mark.parametrize(
    ("line", "ports"),
    [
        ("httpd -f -p 9090", ["* 9090/tcp"]),
        ("httpd -f -p9090", ["* 9090/tcp"]),
        ("/bin/busybox httpd -f -p 127.0.0.1:81", ["127.0.0.1 81/tcp"]),
        ("busybox httpd -f", ["* 80/tcp"]),
        ("/usr/bin/prometheus --web.listen-address=0.0.0.0:9191 --storage.tsdb.retention.time=15d", ["0.0.0.0 9191/tcp"]),
        ("prometheus --web.listen-address :9191", ["* 9191/tcp"]),
        ("prometheus", ["* 9090/tcp"]),
        ("prometheus-node-exporter --collector.systemd", ["* 9100/tcp"]),
        ("some-new-exporter --web.listen-address=:9999", ["* 9999/tcp"]),
        ("python3 -m http.server", ["* 8000/tcp"]),
        ("/usr/bin/python3.11 -u -m http.server 9090 --bind 127.0.0.1", ["127.0.0.1 9090/tcp"]),
        ("python3 /usr/bin/gunicorn --bind=0.0.0.0:8000 -b [::1]:8001 app:app", ["0.0.0.0 8000/tcp", "::1 8001/tcp"]),
        ("uvicorn app:app --host localhost --port 8000", ["127.0.0.1 8000/tcp"]),
        ("uvicorn app:app --host db.example --port=8000", ["* 8000/tcp"]),
        ("redis-server --port 6380 --bind 127.0.0.1", ["127.0.0.1 6380/tcp"]),
        ("dnsmasq -k --port=5353", ["* 5353/tcp", "* 5353/udp"]),
        ("nc -lk -p 9090 -e cat", ["* 9090/tcp"]),
        ("nc -l 9090", ["* 9090/tcp"]),
        ("busybox nc -ulp 53", ["* 53/udp"]),
        ("socat UDP4-RECVFROM:514,fork -", ["* 514/udp"]),
        ("socat -d TCP-LISTEN:80,reuseaddr,bind=127.0.0.1 TCP:10.0.0.1:8080", ["127.0.0.1 80/tcp"]),
        ("etcd --listen-client-urls http://0.0.0.0:2379,http://[::1]:4001", ["0.0.0.0 2379/tcp", "::1 4001/tcp"]),
        ("alertmanager", ["* 9094/tcp", "* 9094/udp", "* 9093/tcp"]),
        ("alertmanager --cluster.listen-address= --web.listen-address=:9193", ["* 9193/tcp"]),
        ("varnishd -F -a :6081 -T localhost:6082", ["* 6081/tcp", "127.0.0.1 6082/tcp"]),
        ("varnishd -F -T 127.0.0.1:6082", ["* 80/tcp", "127.0.0.1 6082/tcp"]),
        ("prometheus-squid-exporter -listen 127.0.0.1:9302", ["127.0.0.1 9302/tcp"]),
        ("prometheus-varnish-exporter -web.listen-address=:9132", ["* 9132/tcp"]),
        ("java -Dserver.port=8081 -jar app.jar", ["* 8081/tcp"]),
        ("java -jar app.jar --server.port=8081", ["* 8081/tcp"]),
        ("traefik --entrypoints.web.address=:80 --entryPoints.dns.address=127.0.0.1:53/udp", ["* 80/tcp", "127.0.0.1 53/udp"]),
        ("controller --metrics-bind-address=127.0.0.1:8080", ["127.0.0.1 8080/tcp"]),
        ("php -S [::1]:8080 -t public", ["::1 8080/tcp"]),
        ("sshd -D -p 2222", ["* 2222/tcp"]),
        ("tini -- prometheus", ["* 9090/tcp"]),
        ("env A=1 B=2 exec nc -l 90", ["* 90/tcp"]),
        ("timeout -k 5 9 nc -l 90", ["* 90/tcp"]),
        ("gosu redis systemd-cat -t web nice -n 10 env -u A nc -l 90", ["* 90/tcp"]),
        ("sh -c 'PORT=1 nc -l 90 > /dev/null 2>&1 & wait'", ["* 90/tcp"]),
        ("timeout 5 nc -l 90", ["* 90/tcp"]),
        ("sh -c 'exec httpd -f -p 8080'", ["* 8080/tcp"]),
        ("/bin/bash -ec 'cd /srv && PORT=1 uvicorn a:a --port 8000; sleep 9090'", ["* 8000/tcp"]),
        ("sh -c \"sh -c 'nc -l 80'\"", ["* 80/tcp"]),
        ("dsvpn server /etc/key auto 65011 auto 10.0.0.1 10.0.0.2", ["* 65011/tcp"]),
        ("python3 manage.py runserver --noreload 0.0.0.0:8889", ["0.0.0.0 8889/tcp"]),
        ("/srv/.venv/bin/python manage.py runserver", ["127.0.0.1 8000/tcp"]),
        ("tailscale web --listen 0.0.0.0:8088", ["0.0.0.0 8088/tcp"]),
        ("iperf3 -s", ["* 5201/tcp"]),
        ("iperf3 -s -p 65400", ["* 65400/tcp"]),
        ("pwngrid -keys /etc/p -address 127.0.0.1:8666", ["127.0.0.1 8666/tcp"]),
        ("ss-manager -c /etc/s.json --manager-address 127.0.0.1:8839", ["127.0.0.1 8839/udp"]),
        ("slapd -h 'ldap:/// ldaps://127.0.0.1:1636/ ldapi:///'", ["* 389/tcp", "127.0.0.1 1636/tcp"]),
        ("rsync --daemon --no-detach --port=8730 --address 192.0.2.1", ["192.0.2.1 8730/tcp"]),
        ("memcached -l 127.0.0.1,::1", ["127.0.0.1 11211/tcp", "::1 11211/tcp"]),
        ("memcached -p 11212 -l 192.0.2.1", ["192.0.2.1 11212/tcp"]),
        ("memcached -l 127.0.0.1:11213", ["127.0.0.1 11213/tcp"]),
        ("mongod --port 27018 --bind_ip 127.0.0.1,192.0.2.1", ["127.0.0.1 27018/tcp", "192.0.2.1 27018/tcp"]),
        ("prometheus-mongodb-exporter", ["* 9001/tcp"]),
        ("prometheus-apache-exporter --web.listen-address=:9118", ["* 9118/tcp"]),
        ("sh -c 'if true; then exec memcached -p 11311; fi'", ["* 11311/tcp"]),
    ],
)
def test_what_is_known(line: str, ports: list[str]) -> None:
    assert found(line) == ports


@pytest.mark.parametrize(
    "line",
    [
        "",
        "psql --port 5432 -h db",
        "ssh -p 2222 host",
        "redis-cli -p 6379",
        "nc db 5432",
        "nc -z db 80",
        "docker run -p 80:80 -e X_PORT=9090 nginx",
        "podman run --publish 8080:80 web -p 9999",
        "nginx -g 'daemon off;'",
        "redis-server /etc/redis/redis.conf",
        "redis-server *:6379",
        "redis-server --port 0",
        "uvicorn app --port ${PORT}",
        "uvicorn app --port 70000",
        "gunicorn --bind unix:/run/app.sock app",
        "gunicorn app",
        "dsvpn client key 192.0.2.1 65011",
        "some --listen-address /run/some.sock",
        "some --listen 8080",
        "some --listen-address eth0:8080",
        "some --port 8080",
        "some -- --listen-address=:8080",
        "haproxy -f /etc/haproxy/haproxy.cfg --status-file 10",
        "sleep 9090",
        "bash -c 'unbalanced \"quote'",
        "bash script.sh --port 80",
        "python3",
        "python3 -m venv 8000",
        "httpd -k start",
        "app --bind-root /srv:80 --advertise-address=10.0.0.1:80",
        "socat UNIX-LISTEN:/run/x TCP:10.0.0.1:80",
        "iperf3 -c server -p 65400",
        "prometheus $ARGS",
        "prometheus-node-exporter --web.systemd-socket",
        "uvicorn app",
        "daphne -u /run/daphne.sock app:app",
        "tailscale up --port 80",
        "slapd -h ldapi:///",
        "rsync -a --port=8730 source target",
        "ng serve",
        "django-admin migrate 8000",
        "etcd --config-file /etc/etcd.yml --listen-client-urls http://0.0.0.0:2379",
        "etcd $DAEMON_ARGS",
    ],
)
def test_what_is_not_known_is_no_claim(line: str) -> None:
    assert found(line) == []


@given(st.lists(st.text(max_size=30), max_size=8))
def test_no_command_line_breaks_it(argv: list[str]) -> None:
    for port in find_ports(argv):
        assert 0 < port.port <= 65535


@given(st.text(max_size=60))
def test_no_shell_script_breaks_it(script: str) -> None:
    find_ports(["sh", "-c", script])


@pytest.mark.parametrize(
    ("environment", "ports"),
    [
        ({"UVICORN_PORT": "8080", "UVICORN_HOST": "::"}, [":: 8080"]),
        ({"UVICORN_PORT": "8080"}, ["127.0.0.1 8080"]),
        ({}, ["127.0.0.1 8000"]),
        # Set, and nobody knows to what: neither the default nor anything else is right.
        ({"UVICORN_PORT": None}, []),
        (None, []),
    ],
)
def test_programs_that_read_their_port_from_a_variable(environment: dict[str, str | None] | None, ports: list[str]) -> None:
    assert [f"{port.address} {port.port}" for port in find_ports(["uvicorn", "app:app"], environment)] == ports


def test_an_option_beats_the_variable() -> None:
    assert [port.port for port in find_ports(["uvicorn", "app", "--port", "81"], {"UVICORN_PORT": "82"})] == [81]


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("prometheus --web.listen-address=:9191", True),
        ("prometheus", True),
        ("prometheus $ARGS", False),
        ("redis-server --port 6380", False),
        ("redis-server", False),
        ("nginx", False),
        ("some-new-exporter --web.listen-address=:9999", False),
        ("/usr/lib/systemd/systemd-logind", True),
        ("/usr/lib/systemd/systemd-resolved", False),
        ("sleep 60", True),
        ("memcached -s /run/memcached.sock", True),
        ("/usr/lib/podman/netavark dhcp-proxy -a 30", True),
        ("iperf3 -c server", False),
        ("nc -z db 80", False),
        # A name that only the host can look up, and Varnish's named endpoints, are asked for and not told.
        ("prometheus --web.listen-address=metrics.internal:9090", False),
        ("varnishd -a web=:80 -T 127.0.0.1:6082", False),
        ("varnishd -a :80 -T 127.0.0.1:6082", True),
        ("varnishd -a :80", False),
        ("etcd", False),
        ("prometheus --web.listen-address=127.0.0.1:0", True),
        ("alertmanager --cluster.listen-address=", True),
        # Only what is systemd's own is known to open no port.
        ("/usr/share/memcached/scripts/systemd-memcached-wrapper /etc/memcached.conf", False),
        ("/usr/share/dnsmasq/systemd-helper exec", False),
        ("systemd-cat some-server", False),
        ("systemd-socket-activate -l 9090 cat", False),
    ],
)
def test_whether_the_ports_are_the_whole_truth(line: str, whole: bool) -> None:
    assert [one.unknown == "" for one in read_commands(shlex.split(line))] == [whole]


def test_each_command_of_a_script_is_read() -> None:
    asked = read_commands(["sh", "-c", "cd /srv && /usr/bin/supervisord & exec prometheus --storage.tsdb.path=/srv/data/"])
    assert [(one.program, one.data) for one in asked] == [("cd", ()), ("supervisord", ()), ("prometheus", ("/srv/data",))]
    assert is_silent("cd")
    assert not is_silent("supervisord")


def test_every_program_says_where_its_options_are_known_from() -> None:
    assert list(PROGRAMS) == sorted(PROGRAMS)
    for program in PROGRAMS.values():
        assert program.source
        assert program.endpoints or program.ports or program.default or program.unless


def test_a_program_that_reads_variables_holds_its_defaults_where_they_are_known_not_to_be_set() -> None:
    (asked,) = read_commands(["etcd"], {})
    assert [port.port for port in asked.ports] == [2379, 2380]
    assert asked.unknown == ""
    (asked,) = read_commands(["etcd"], {"ETCD_CONFIG_FILE": "/etc/etcd.yml"})
    assert asked.ports == ()
    assert asked.unknown == "the ports of etcd stand in its configuration file"
