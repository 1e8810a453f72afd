# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What ``systemctl show`` prints."""

from __future__ import annotations

import shlex
import typing as t

from .._errors import Unparsable
from .model import ListenAddress, Unit

PROPERTIES = (
    "ActiveState",
    "ExecStart",
    "FragmentPath",
    "Id",
    "InvocationID",
    "Listen",
    "LoadState",
    "MainPID",
    "NRestarts",
    "RequiredBy",
    "Restart",
    "Result",
    "SubState",
    "TriggeredBy",
    "Triggers",
    "UnitFileState",
    "UpheldBy",
    "WantedBy",
    "ExecMainStartTimestampMonotonic",
)
"""What to ask for. A property that a version does not know (``UpheldBy`` before 249) is left out of its answer."""

_SOCKET_PROTOCOLS = {"(Stream)": "tcp", "(Datagram)": "udp"}
_NEVER_AT_BOOT = frozenset(("disabled", "enabled-runtime", "linked", "linked-runtime", "masked", "masked-runtime", "transient"))


def parse_listen(text: str) -> ListenAddress | None:
    """One value of ``Listen=``, as in ``[::]:22 (Stream)``; None for what is not an IP port (a path, netlink)."""
    address, _space, kind = text.rpartition(" ")
    proto = _SOCKET_PROTOCOLS.get(kind)
    host, colon, port = address.rpartition(":")
    port = port.partition("%")[0]
    if proto is None or not colon or not port.isdigit() or address.startswith(("/", "@", "vsock")):
        return None
    # A bare port prints as "[::]:22"; a scoped one as "[fe80::1%eth0]:22" or "[fe80::1]:22%eth0" (systemd 249+).
    return ListenAddress(proto, host.strip("[]").partition("%")[0], int(port))


def parse_words(text: str) -> list[str]:
    r"""A list of unit names. Only a name with an escape is quoted: ``Triggers=a.service "web@a\\x2db.service"``.

    :raises Unparsable: a quote is not closed
    """
    if '"' not in text:
        return text.split()
    try:
        return shlex.split(text)
    except ValueError as error:
        raise Unparsable(f"systemctl show printed a list that cannot be read ({error}): {text:.200}") from error


def parse_argv(text: str) -> tuple[str, ...]:
    """The words of ``{ path=/bin/sh ; argv[]=/bin/sh -c true ; ignore_errors=no ; ... }``.

    systemd joins them with single spaces and quotes nothing, so an argument with a space comes back as several.
    """
    _before, found, rest = text.partition(" argv[]=")
    return tuple(rest.partition(" ; ")[0].split()) if found else ()


def parse_blocks(text: str) -> t.Iterator[dict[str, list[str]]]:
    """What ``systemctl show`` says of each unit: the values of each property in their order, since ``Listen=``,
    ``ExecStart=`` and others come once for every address or command."""
    for lines in text.strip("\n").split("\n\n"):
        block: dict[str, list[str]] = {}
        for line in lines.split("\n"):
            key, equals, value = line.partition("=")
            if equals:
                block.setdefault(key, []).append(value)
        if block:
            yield block


class Block:
    """The properties of one unit, each as what it is.

    :raises Unparsable: they are of no unit (there is no ``Id``)
    """

    def __init__(self, values: t.Mapping[str, t.Sequence[str]]) -> None:
        self._values = values
        self.name = self.text("Id")
        if not self.name:
            raise Unparsable(f"systemctl show printed a unit without an Id: {dict(values)!r:.200}")

    def texts(self, key: str) -> t.Sequence[str]:
        return self._values.get(key, ())

    def text(self, key: str) -> str:
        return (self.texts(key) or ("",))[0]

    def number(self, key: str) -> int:
        text = self.text(key)
        return int(text) if text.isdigit() else 0

    def words(self, *keys: str) -> tuple[str, ...]:
        return tuple(word for key in keys for word in parse_words(self.text(key)))


def _parse_unit(block: Block, user: str | None) -> Unit:
    return Unit(
        name=block.name,
        user=user,
        load=block.text("LoadState"),
        active=block.text("ActiveState"),
        sub=block.text("SubState"),
        result=block.text("Result"),
        enabled=block.text("UnitFileState"),
        restarts=block.number("NRestarts"),
        restart_policy=block.text("Restart"),
        main_pid=block.number("MainPID"),
        started=block.number("ExecMainStartTimestampMonotonic") / 1e6,
        invocation=block.text("InvocationID"),
        triggers=block.words("Triggers"),
        triggered_by=block.words("TriggeredBy"),
        wanted_by=block.words("WantedBy", "RequiredBy", "UpheldBy"),
        listen=tuple(address for address in map(parse_listen, block.texts("Listen")) if address is not None),
        argv=parse_argv(block.text("ExecStart")),  # the first of several is the one to know
        fragment=block.text("FragmentPath"),
    )


def parse_show(text: str, user: str | None = None) -> tuple[Unit, ...]:
    """The units in what ``systemctl show -p PROPERTIES`` printed: blocks of ``Key=value``, an empty line between.

    :raises Unparsable: a block has no ``Id``
    """
    return tuple(_parse_unit(Block(values), user) for values in parse_blocks(text))


def returns_at_boot(unit: Unit) -> str:
    """Whether the next boot starts the unit: ``yes``, ``no`` or ``unknown``.

    Enablement counts, and a target that wants the unit; a disabled unit that something else may start is unknown.
    """
    if unit.enabled.startswith("masked"):
        return "no"
    if unit.enabled == "enabled" or any(name.endswith(".target") for name in unit.wanted_by):
        # A link below /run does not outlive the boot, and the target names it all the same.
        return "no" if unit.enabled == "enabled-runtime" else "yes"
    if unit.wanted_by or unit.triggered_by:
        return "unknown"
    return "no" if unit.enabled in _NEVER_AT_BOOT else "unknown"
