# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The command line of the guard's program: what the timer, the boot and a person at the console run, without Ansible."""

from __future__ import annotations

import argparse
import sys
import traceback
import typing as t

from ..module_utils._compile_once import compile_once

compile_once()  # before the imports that it is for

from ..module_utils._apply.guard import Answer, act, give_up  # noqa: E402
from ..module_utils._apply.guard_record import Status, read_record, read_status  # noqa: E402
from ..module_utils._apply.restore import RestoreRequest, describe_failure, restore  # noqa: E402
from ..module_utils._errors import GuardError, Refused  # noqa: E402
from ..module_utils._guard.model import Event  # noqa: E402
from ..module_utils._guard.words import describe_nothing_armed, describe_now  # noqa: E402
from .host import StandaloneHost  # noqa: E402

if t.TYPE_CHECKING:
    from ..module_utils._host import WritableHost

# What this ends with. Of these the units' texts know 3: it was recorded that the rollback failed, and to start again is no help.
DONE, FAILED, ROLLBACK_FAILED = 0, 1, 3
_BY_HAND = "a person on the host"
_EARLY_TIMEOUT = 30.0  # seconds for one command while the boot waits


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="guard", description="Rolls a deployment back that was not confirmed, or ends it by hand.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    commands.add_parser("status", help="say how the guard stands")
    commands.add_parser("trigger", help="roll the host back now")
    confirm = commands.add_parser("confirm", help="keep the host as it is, and end the deployment")
    confirm.add_argument("--accept-loss", action="store_true", help="even though its rollback has failed")
    back = commands.add_parser("restore", help="bring the host back to a snapshot, guard or none")
    back.add_argument("snapshot")
    back.add_argument("--accept-loss", action="store_true", help="also where changes of others are lost by it")
    back.add_argument("--check", action="store_true", help="only say what would be done")
    for name, text in (("fire", "what the timer runs"), ("early", "what a boot runs first"), ("late", "what a boot runs last")):
        commands.add_parser(name, help=text)
    return parser


def _print(lines: t.Iterable[str]) -> None:
    for line in lines:
        print(line.encode("utf-8", "replace").decode(), flush=True)


def _report(answer: Answer) -> int:
    if answer.rollback is not None:
        _print(answer.rollback.steps)
        _print(f"failed: {line}" for line in answer.rollback.failures)
        _print(f"not as it was: {line}" for line in answer.rollback.remaining)
        _print(f"not brought back: {line}" for line in answer.rollback.unrestored)
    _print(f"note: {line}" for line in answer.notes)
    _print([answer.text or describe_now(answer.record, answer.left)])
    if answer.record is not None and answer.record.state == "rollback_failed":
        return ROLLBACK_FAILED
    return FAILED if answer.failed else DONE


def _report_status(status: Status) -> int:
    _print([describe_now(status.record, status.left)])
    return DONE


def _restore(host: WritableHost, arguments: argparse.Namespace) -> int:
    outcome = restore(host, RestoreRequest(arguments.snapshot, accept_loss=arguments.accept_loss, check=arguments.check))
    _print(outcome.steps)
    _print(f"note: {line}" for line in outcome.notes)
    if outcome.verified is False:
        _print([describe_failure(outcome)])
        return ROLLBACK_FAILED
    _print(["this is what would be done" if arguments.check else "the host is as it was in the snapshot"])
    return DONE


def _event(host: WritableHost, arguments: argparse.Namespace) -> Event:
    if arguments.command in ("fire", "early", "late"):
        return Event("expire" if arguments.command == "fire" else arguments.command)
    # Whoever is root at the console may act on any guard: there is only one.
    record = read_record(host)
    if record is None:
        raise Refused(describe_nothing_armed(None))
    return Event(arguments.command, snapshot=record.snapshot, who=_BY_HAND, force=getattr(arguments, "accept_loss", False))


def _run(host: WritableHost, arguments: argparse.Namespace) -> int:
    if arguments.command == "restore":
        return _restore(host, arguments)
    status = read_status(host)
    if arguments.command == "status":
        return _report_status(status)
    timeout = _EARLY_TIMEOUT if arguments.command == "early" else 120.0
    return _report(act(host, _event(host, arguments), timeout=timeout))


def main(argv: t.Sequence[str] | None = None) -> int:
    """Run one command; its output is for the journal and for people."""
    arguments = _parser().parse_args(argv)
    host = StandaloneHost()
    try:
        return _run(host, arguments)
    except GuardError as error:
        print(str(error).encode("utf-8", "replace").decode(), file=sys.stderr, flush=True)
        return FAILED
    except Exception as error:
        # A bug. The first stage of a boot leaves the rest to the second; else nobody may wait for what will not come.
        traceback.print_exc()
        if arguments.command != "early":
            give_up(host, f"the program of the guard crashed: {type(error).__name__}: {error}")
        return ROLLBACK_FAILED
