# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of test hosts, built without a registry out of Debian's packages."""

from __future__ import annotations

import fcntl
import glob
import json
import subprocess
import sys
import tempfile
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker

from .engine import LABEL
from .errors import TestbedError
from .packages import require
from .recipe import SUITE_PACKAGES, find_mirror, find_recipe, render_command

if t.TYPE_CHECKING:
    from .recipe import Recipe

REPOSITORY = "guarded-deploy-testbed"
SOURCES = ("/etc/apt/sources.list", "/etc/apt/sources.list.d/*.sources", "/etc/apt/sources.list.d/*.list")


def _say(text: str) -> None:
    print(f"testbed: {text}", file=sys.stderr, flush=True)


def read_mirror() -> str | None:
    """The Debian mirror that this machine uses."""
    for pattern in SOURCES:
        for path in sorted(glob.glob(pattern)):
            mirror = find_mirror(Path(path).read_text(encoding="utf-8", errors="replace"))
            if mirror:
                return mirror
    return None


def image_name(recipe: Recipe) -> str:
    """The name of the image of a recipe."""
    return f"{REPOSITORY}:{recipe.suite}-{recipe.digest()}"


def ensure_images(client: docker.DockerClient, suites: t.Iterable[str]) -> dict[str, str]:
    """Build what is missing, the suites at the same time.

    :returns: suite -> name of its image
    :raises TestbedError: a suite is unknown, or its build failed
    """
    wanted = sorted(set(suites))
    unknown = [suite for suite in wanted if suite not in SUITE_PACKAGES]
    if unknown:
        raise TestbedError(f"no recipe for {', '.join(unknown)}; there are {', '.join(SUITE_PACKAGES)}")
    with ThreadPoolExecutor(max_workers=len(wanted) or 1) as pool:
        return dict(zip(wanted, pool.map(lambda suite: _ensure_image(client, find_recipe(suite)), wanted)))


def _exists(client: docker.DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except docker.errors.ImageNotFound:
        return False
    return True


def _ensure_image(client: docker.DockerClient, recipe: Recipe) -> str:
    name = image_name(recipe)
    if _exists(client, name):
        return name
    # One build of a suite at a time on a machine; who waited finds it done.
    lock = Path(tempfile.gettempdir()) / f"{REPOSITORY}-{recipe.suite}.lock"
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not _exists(client, name):
            _build(client, recipe, name)
            _remove_older(client, recipe, name)
    return name


def _build(client: docker.DockerClient, recipe: Recipe, name: str) -> None:
    require("mmdebstrap")
    _say(f"building the image of {recipe.suite} (once; about a minute)")
    started = time.monotonic()
    with tempfile.TemporaryFile() as log:
        with subprocess.Popen(
            render_command(recipe, read_mirror()), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
        ) as bootstrap:
            assert bootstrap.stdout is not None
            # mmdebstrap's answer is known only at the end of the stream: a tag comes after that.
            answer = client.api.import_image_from_stream(
                bootstrap.stdout, changes=['CMD ["/opt/testbed/boot"]', "ENV container=docker", f"LABEL {LABEL}.image={recipe.suite}"]
            )
        if bootstrap.returncode != 0:
            log.seek(0)
            tail = log.read().decode("utf-8", "replace").splitlines()[-15:]
            raise TestbedError(f"mmdebstrap failed for {recipe.suite}:\n" + "\n".join(tail))
    status = [json.loads(line).get("status", "") for line in str(answer).splitlines() if line.strip()]
    image_id = next((text for text in status if text.startswith("sha256:")), None)
    if image_id is None:
        raise TestbedError(f"the engine did not take the image of {recipe.suite}: {answer!r}")
    repository, tag = name.split(":")
    client.api.tag(image_id, repository, tag)
    _say(f"built {name} in {time.monotonic() - started:.0f} s")


def _remove_older(client: docker.DockerClient, recipe: Recipe, name: str) -> None:
    for image in client.images.list(REPOSITORY, filters={"label": f"{LABEL}.image={recipe.suite}"}):
        if name not in image.tags:
            try:
                client.images.remove(str(image.id), force=False)
            except docker.errors.APIError:
                pass  # a host of another checkout runs on it
