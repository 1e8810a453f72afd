# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""What every service and timer of a host (or of a repository) is."""

from __future__ import annotations

import posixpath
import re
import typing as t

from .._errors import Unparsable
from .._units.commands import read_commands, read_environment
from .._units.specifiers import expand_specifiers, parse_name
from . import model
from .ending import ends_by_itself
from .follow import Context, Files, NoFiles, command_in_container, follow, site_folders, unwrap
from .model import (
    BROKEN_PAIR,
    CANNOT_TELL,
    DAEMON,
    INFERRED,
    ONESHOT,
    POOR_MANS_TIMER,
    SLEEP_LOOP,
    SOUND_PAIR,
    SURE,
    Finding,
    Judged,
    Program,
)
from .other_loops import read_other
from .pairs import Standing, find_problems, service_of, triggers_of
from .python_program import read_python
from .shell_loops import read_shell
from .timespan import parse_span

if t.TYPE_CHECKING:
    from .._units.commands import Command
    from .._units.merge import MergedUnit, Names

SHORTEST_RESTART = 10.0
"""Seconds between two starts, from which on ``Restart=`` around a program that ends is a timer and no repair."""

_LONG_REST = 300.0
"""Seconds. Who waits as long at the end of a script knows that the script gets there; a short wait may only slow restarts down."""
_DEPTH = 4
_DAEMON_TYPES = {"dbus": "it takes a name on the bus (Type=dbus)"}
_SYS_PATH = re.compile(r"sys\.path\.(?:insert|append)\([^)\n]*?['\"](/[^'\"\n]+)['\"]")


class Judging(t.NamedTuple):
    """What a look at a program found, and of which program: ``program`` holds the loop."""

    judged: Judged
    program: Program
    ends: bool = False  # whether it surely ends by itself


class Judge:
    """Judges services and timers of one tree of units. ``environment_files`` as for
    :func:`..._units.commands.read_environment`; ``standing`` is what is known of links and states."""

    def __init__(
        self, names: Names, files: Files, environment_files: t.Mapping[str, str | None], standing: Standing, user: str | None = None
    ) -> None:
        self._names, self._files, self._environment_files = names, files, environment_files
        self._standing, self._user = standing, user
        self._known: dict[tuple[str, tuple[str, ...], str], Judging] = {}

    def service(self, name: str, sockets: t.Sequence[str] = ()) -> Finding:
        """What a service is, its timers left out. Never raises: what cannot be read is ``cannot_tell``."""
        merged = self._names.merge(name)
        empty = Finding(
            merged.name, CANNOT_TELL, merged.problem or "its file was not found", user=self._user, fragment=merged.fragment or ""
        )
        if merged.load == "masked":
            return empty._replace(verdict=DAEMON, why="it is masked, and never runs")
        if merged.load != "loaded":
            return empty
        early = self._by_unit(merged, sockets)
        if early:
            return empty._replace(verdict=DAEMON, why=early)
        try:
            return self._by_commands(merged, empty)
        except RecursionError:
            return empty._replace(why="its programs are nested too deeply to be read")

    def _by_unit(self, merged: MergedUnit, sockets: t.Sequence[str]) -> str:
        kind = merged.last("Service", "Type")
        if kind is not None and kind.value in _DAEMON_TYPES:
            return _DAEMON_TYPES[kind.value]
        if merged.last("Service", "BusName") is not None:
            return "it takes a name on the bus (BusName=)"
        return f"{sockets[0]} passes it connections" if sockets else ""

    def _by_commands(self, merged: MergedUnit, empty: Finding) -> Finding:
        environment = read_environment(merged, self._environment_files)
        commands = read_commands(merged, "ExecStart", environment)
        folder = merged.last("Service", "WorkingDirectory")
        place = expand_specifiers(folder.value.lstrip("-"), merged.name, merged.fragment or "").text if folder is not None else "/"
        context = Context(self._files, environment.variables, place if place.startswith("/") else "/")
        if not commands:
            return empty._replace(verdict=ONESHOT, why="it runs no ExecStart=")
        kind = merged.last("Service", "Type")
        looks = [(command, _by_type(self._command(command, context), kind.value if kind is not None else "")) for command in commands]
        order = {SLEEP_LOOP: 0, DAEMON: 1, CANNOT_TELL: 2, ONESHOT: 3}
        command, look = min(looks, key=lambda pair: order[pair[1].judged.verdict])
        found = _finding(empty, look, command)
        if found.verdict in (ONESHOT, SLEEP_LOOP, CANNOT_TELL):
            poor = self._poor_mans_timer(merged, found, [one for _command, one in looks], commands)
            if poor is not None:
                return poor
        return found

    def _command(self, command: Command, context: Context) -> Judging:
        if not command.argv:
            return _unknown(Program("", "unknown", None, (), (), command.unknown[0] if command.unknown else "its command is empty"))
        return self.program(command.argv, context)

    def program(self, argv: t.Sequence[str], context: Context, depth: int = _DEPTH) -> Judging:
        """What a command line runs for, what it starts in turn taken in."""
        key = (
            context.folder,
            tuple(argv),
            repr(sorted((k, v) for k, v in context.environment.items() if v)) if depth == _DEPTH else str(depth),
        )
        if key not in self._known:
            self._known[key] = self._look(argv, context, depth)
        return self._known[key]

    def _look(self, argv: t.Sequence[str], context: Context, depth: int) -> Judging:
        words = unwrap(argv)
        known = ends_by_itself(words)
        if words and posixpath.basename(words[0]) == "sleep":
            return Judging(
                Judged(CANNOT_TELL if "infinity" in words else ONESHOT, None, "it only waits"),
                Program(words[0], "binary", None, words[1:], ()),
                "infinity" not in words,
            )
        if words and posixpath.basename(words[0]) == "watch":
            found = read_shell(" ".join(words), "ExecStart=", (), context.environment)
            return Judging(found.judged, Program("", "shell", " ".join(words), (), (" ".join(argv),)))
        inside = command_in_container(words)
        if inside:
            return self._look(inside, Context(NoFiles(), context.environment), depth)
        program = follow(argv, context)
        if program.text is None:
            if known:
                return Judging(Judged(ONESHOT, None, f"{posixpath.basename(words[0])} does its work and ends", SURE), program, True)
            return _unknown(program)
        try:
            return self._text(program, context, depth)
        except Unparsable as error:
            return _unknown(program._replace(problem=str(error)))

    def _text(self, program: Program, context: Context, depth: int) -> Judging:
        text = t.cast("str", program.text)
        where = program.path or "ExecStart="
        if program.language == "shell":
            return self._shell(program, text, where, context, depth)
        if program.language == "python":
            judged = read_python(text, where, program.argv, context.environment, _finder(program, context))
            return Judging(judged, program, judged.verdict == ONESHOT and not _may_go_on(text))
        if program.language in ("perl", "ruby", "node", "php"):
            judged = read_other(text, where, program.language)
            return Judging(judged, program, judged.verdict == ONESHOT and not _may_go_on(text) and program.language != "node")
        return _unknown(program)

    def _shell(self, program: Program, text: str, where: str, context: Context, depth: int) -> Judging:
        def read(path: str) -> str | None:
            return context.files.read(path).text if path.startswith("/") else None

        found = read_shell(text, where, program.argv, context.environment, program.first_line, read)
        verdict = found.judged.verdict
        if verdict == SLEEP_LOOP and depth:
            inner = self._started_in(found.rounds, program, context, depth)
            if inner is not None:
                return inner
        if verdict == ONESHOT and depth:
            return self._starts(found.main, program, context, depth, found.judged)
        return Judging(found.judged, program)

    def _started_in(self, commands: t.Sequence[t.Sequence[str]], program: Program, context: Context, depth: int) -> Judging | None:
        """A loop around a program that goes on by itself only starts that one again."""
        for argv in commands:
            words = unwrap(argv)
            if not words or not _is_followable(words):
                continue
            inner = self._inner(words, program, context, depth)
            if inner.judged.verdict == SLEEP_LOOP:
                return inner
            if inner.judged.verdict == DAEMON and inner.program.text is not None:
                why = f"it starts {posixpath.basename(words[0])} again when that has ended, which goes on by itself: {inner.judged.why}"
                return Judging(Judged(DAEMON, None, why, INFERRED), program)
        return None

    def _inner(self, words: t.Sequence[str], program: Program, context: Context, depth: int) -> Judging:
        own = posixpath.dirname(program.path)
        replaced = [
            re.sub(r"\$\{?(?:SCRIPT_?DIR|DIR|BASE_?DIR|HERE|script_dir|dir)\}?|\$\(dirname [^)]*\)", own or ".", word) for word in words
        ]
        known = [re.sub(r"\$\{?(\w+)\}?", lambda match: context.environment.get(match[1]) or match[0], word) for word in replaced]
        return self.program(known, context, depth - 1)

    def _starts(self, commands: t.Sequence[t.Sequence[str]], program: Program, context: Context, depth: int, judged: Judged) -> Judging:
        """A script without a loop is what the programs are that it starts one after the other."""
        ends, last_ends = True, True
        for argv in commands:
            words = unwrap(argv)
            if not words:
                continue
            execs = argv[0] == "exec"
            last_ends = True
            if not _is_followable(words):
                known = ends_by_itself(words)
                ends = ends and (known or words[0] in _SHELL_WORDS)
                if execs and not known:
                    return Judging(Judged(CANNOT_TELL, None, f"it becomes {words[0]}, which could not be read", INFERRED), program)
                continue
            inner = self._inner(words, program, context, depth)
            if inner.judged.verdict in (SLEEP_LOOP, DAEMON):
                return inner
            if execs:
                return inner
            ends, last_ends = ends and inner.ends, inner.judged.verdict != CANNOT_TELL
        if not last_ends:
            return Judging(Judged(CANNOT_TELL, None, f"it ends by starting {words[0]}, which could not be read", INFERRED), program)
        return Judging(judged, program, ends)

    def _poor_mans_timer(self, merged: MergedUnit, found: Finding, looks: list[Judging], commands: t.Sequence[Command]) -> Finding | None:
        """``Restart=always`` around a program that ends is a timer."""
        restart, kind = merged.last("Service", "Restart"), merged.last("Service", "Type")
        if (
            restart is None
            or restart.value not in ("always", "on-success")
            or (kind is not None and kind.value not in ("simple", "exec", "idle", "oneshot"))
        ):
            return None
        if found.verdict != ONESHOT or not all(look.ends or _last_sleep(look.program) >= _LONG_REST for look in looks):
            return None
        pause = merged.last("Service", "RestartSec")
        seconds = parse_span(pause.value) if pause is not None else 0.1
        if seconds is None:
            return None
        slept, where = self._slept(merged, looks)
        total = seconds + slept
        if total < SHORTEST_RESTART:
            return None
        setting = pause if pause is not None and seconds >= slept else restart
        source = f"RestartSec={pause.value}" if pause is not None and seconds >= slept else where
        return found._replace(
            verdict=POOR_MANS_TIMER,
            why=f"its program ends, and Restart={restart.value} starts it again after {source}",
            confidence=SURE if all(look.judged.confidence == SURE for look in looks) else INFERRED,
            file=setting.file,
            line=setting.line,
            loop=f"Restart={restart.value}",
            interval=total,
            interval_source=source,
            work=(" ".join(commands[0].argv)[:100],),
            shape="restart",
            loop_lines=None,
            body=None,
            wait=None,
        )

    def _slept(self, merged: MergedUnit, looks: list[Judging]) -> tuple[float, str]:
        """Waits around the work: in ``ExecStartPre=``, ``ExecStartPost=``, ``ExecStopPost=``, or at the end of a script."""
        environment = read_environment(merged, self._environment_files)
        total, where = 0.0, ""
        for key in ("ExecStartPre", "ExecStart", "ExecStopPost"):
            for command in read_commands(merged, key, environment):
                match = re.search(r"(?:^|[\s;&/])sleep\s+\"?(\d+(?:\.\d+)?)([smhd]?)\b", " ".join(command.argv))
                if match is not None:
                    seconds = float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]
                    total, where = total + seconds, where or f"sleep {match[1]}{match[2]} in {key}="
        for look in looks:
            last = _last_sleep(look.program)
            if last and not where:
                total, where = (
                    total + last,
                    f"the sleep of {last:g} s at the end of {posixpath.basename(look.program.path) or 'its script'}",
                )
        return total, where

    @staticmethod
    def _surely_goes_on(service: Finding, merged: MergedUnit | None) -> bool:
        """Signs of a server alone do not count: a program of many commands may serve with another one."""
        if service.verdict == SLEEP_LOOP or (service.verdict == DAEMON and service.loop):
            return True
        kind = merged.last("Service", "Type") if merged is not None else None
        restart = merged.last("Service", "Restart") if merged is not None else None
        stays = kind is not None and kind.value in ("notify", "notify-reload", "forking", "dbus")
        return service.verdict == DAEMON and (stays or (restart is not None and restart.value != "no"))

    def timer(self, name: str, service: Finding | None) -> Finding:
        """What a timer and its service are together."""
        merged = self._names.merge(name)
        unit = service_of(merged)
        other = self._names.merge(unit) if unit.endswith(".service") else None
        runs_on = ""
        if service is not None:
            runs_on = service.why if self._surely_goes_on(service, other) else ""
        problems = find_problems(merged, other, self._standing, runs_on) if merged.load == "loaded" or merged.drop_ins else ()
        broken = [one for one in problems if one.severity == "broken"]
        when = ", ".join(f"{one.key}={one.value}" for one in triggers_of(merged))
        span = next((parse_span(one.value) for one in triggers_of(merged) if one.key.startswith("OnUnit")), None)
        base = service if service is not None else Finding(unit, SOUND_PAIR, "")
        first = broken[0] if broken else None
        if merged.load not in ("loaded", "not-found"):
            return base._replace(
                unit=unit,
                verdict=CANNOT_TELL if merged.load == "error" else DAEMON,
                why=merged.problem or "its timer is masked",
                timer=merged.name,
                user=self._user,
            )
        return base._replace(
            unit=unit,
            verdict=BROKEN_PAIR if broken else SOUND_PAIR,
            why=first.text if first is not None else f"{merged.name} starts it: {when}",
            confidence=SURE,
            timer=merged.name,
            problems=problems,
            interval=span,
            interval_source=when,
            user=self._user,
            file=first.file if first is not None else merged.fragment or "",
            line=first.line if first is not None else 0,
            fragment=base.fragment or (other.fragment or "" if other is not None else ""),
        )


_SHELL_WORDS = frozenset(
    (
        "cd",
        "export",
        "set",
        "source",
        ".",
        "echo",
        "printf",
        "umask",
        "ulimit",
        "[",
        "[[",
        "test",
        "true",
        ":",
        "eval",
        "local",
        "declare",
        "return",
        "exit",
        "trap",
        "shift",
        "read",
        "let",
        "pushd",
        "popd",
        "alias",
        "type",
        "command",
        "hash",
        "getopts",
        "if",
        "unset",
        "readonly",
        "logger",
    )
)


def _is_followable(words: t.Sequence[str]) -> bool:
    name = posixpath.basename(words[0])
    if re.match(r"(?:python|pypy)[\d.]*$|(?:ba|da|k|z)?sh$|perl$|ruby$|node(?:js)?$|php$", name):
        return len(words) > 1
    return words[0].startswith(("/", "./", "../", "$")) and name != "sleep"


def _last_sleep(program: Program) -> float:
    """Seconds that a script waits as the last thing it does."""
    lines = [line.strip() for line in (program.text or "").strip().splitlines() if line.strip() and not line.strip().startswith("#")]
    match = re.match(r"(?:exec\s+)?(?:time\.|(?:/usr)?/bin/)?sleep[ (]+(\d+)([smhd]?)\)?\s*;?\s*(?:#.*)?$", lines[-1]) if lines else None
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]] if match is not None else 0.0


def _may_go_on(text: str) -> bool:
    """Whether a program hands itself over to a library whose code is not read: ``bot.run()``, ``app.serve()``."""
    return bool(
        re.search(
            r"(?m)^\s*(?:await\s+|sys\.exit\(|return\s+|asyncio\.run\()?[\w.]+\.(?:run\w*|serve\w*|start\w*|loop\w*|main\w*|"
            r"exec_?|listen\w*|join|forever|mainloop)\s*\(",
            text,
        )
    ) or bool(re.search(r"(?m)^from \S+ import .*\b(main|run|cli|app|serve)\b", text))


def _by_type(look: Judging, kind: str) -> Judging:
    """What a program is that cannot be read, where its unit says what systemd expects of it."""
    if kind == "forking" and look.judged.verdict == ONESHOT:
        return look._replace(
            judged=Judged(CANNOT_TELL, None, "it leaves a process behind that its text does not show (Type=forking)", INFERRED), ends=False
        )
    unread = look.program.language != "binary" and (look.program.text is None or look.program.problem)
    if look.judged.verdict != CANNOT_TELL or look.judged.loop is not None or unread:
        return look
    if kind == "oneshot":
        return look._replace(judged=Judged(ONESHOT, None, "systemd expects it to end (Type=oneshot)", INFERRED))
    if look.program.language == "binary" and (kind.startswith("notify") or kind == "forking"):
        return look._replace(judged=Judged(DAEMON, None, f"a compiled program that tells systemd when it serves (Type={kind})", INFERRED))
    return look


def _unknown(program: Program) -> Judging:
    return Judging(Judged(CANNOT_TELL, None, program.problem or "what it runs could not be read", INFERRED), program)


def _finding(empty: Finding, look: Judging, command: Command) -> Finding:
    judged, program, loop = look.judged, look.program, look.judged.loop
    found = empty._replace(
        verdict=judged.verdict,
        why=judged.why,
        confidence=judged.confidence,
        language=program.language,
        program=program.path,
        argv=program.argv,
        through=program.through,
    )
    if loop is None:
        return found._replace(file=program.path or command.setting.file, line=0 if program.path else command.setting.line)
    in_unit = not program.path
    return found._replace(
        file=command.setting.file if in_unit else loop.file,
        line=command.setting.line if in_unit else loop.line,
        loop=loop.text,
        interval=loop.interval.seconds,
        interval_source=loop.interval.source,
        work=loop.work,
        program="" if in_unit else loop.file,
        loop_lines=(loop.line, loop.end),
        body=loop.body,
        wait=loop.wait,
        waits_first=loop.waits_first,
        shape=loop.shape,
        state=loop.state,
    )


def _finder(program: Program, context: Context) -> t.Callable[[str, str], tuple[str, str] | None]:
    """Finds modules of the program's own: beside it, in its package, in folders that it adds to its path."""
    text = program.text or ""
    own = {program.path.split("/")[-2]} if program.path.count("/") > 1 else set()
    if len(text) < 2000 and re.search(r"sys\.exit\(|load_entry_point|__main__", text):
        # A console script: what it imports is the program.
        own |= set(re.findall(r"(?m)^\s*(?:from|import)\s+([A-Za-z_]\w*)", text))
    added = [
        posixpath.dirname(program.path),
        *_SYS_PATH.findall(text),
        *(context.environment.get("PYTHONPATH") or "").split(":"),
        context.folder,
    ]
    installed: list[list[str]] = []

    def roots(plain: str, importer: str) -> list[str]:
        package = _package_root(posixpath.dirname(importer), context.files)
        if plain.partition(".")[0] not in own:
            return [package, *added]
        if not installed:
            installed.append(site_folders(program.interpreter or "/usr/bin/python3", context.files))
        return [package, *added, *installed[0]]

    def find(name: str, importer: str) -> tuple[str, str] | None:
        plain = name.lstrip(".")
        here = posixpath.dirname(importer)
        for _step in range(len(name) - len(plain) - 1):
            here = posixpath.dirname(here)
        folders = [here] if name.startswith(".") else roots(plain, importer)
        bases = [posixpath.join(one, plain.replace(".", "/")) for one in dict.fromkeys(folders) if one and one != "/"]
        for path in (path for base in bases for path in (f"{base}.py", f"{base}/__init__.py")):
            found = context.files.read(path)
            if found.text is not None and path != importer:
                return path, found.text
        return None

    return find


def _package_root(folder: str, files: Files) -> str:
    """The folder that the outermost package lies in."""
    while files.read(f"{folder}/__init__.py").kind != "missing" and folder not in ("/", ""):
        folder = posixpath.dirname(folder)
    return folder


def names_of(names: Names) -> tuple[list[str], list[str]]:
    """Services and timers that have a file, aliases and templates without an instance left out, and instances that a link
    names."""
    every = {name for folder in names.tree.search for name in names.tree.folders.get(folder, ())}
    for folder, entries in names.tree.folders.items():
        if folder.endswith((".wants", ".requires", ".upholds")):
            every |= {name for name in entries if "@" in name}
    found = {names.resolve(name)[0] for name in every if name.endswith((".service", ".timer"))}
    named = sorted(name for name in found if not parse_name(name).is_template)
    return [name for name in named if name.endswith(".service")], [name for name in named if name.endswith(".timer")]


def pulled_in(names: Names) -> tuple[frozenset[str], frozenset[str]]:
    """Units that a link of a target enables, and those that other units pull in by their texts."""
    enabled: set[str] = set()
    wanted: set[str] = set()
    for folder, entries in names.tree.folders.items():
        stem, _dot, kind = folder.rpartition("/")[2].rpartition(".")
        if kind in ("wants", "requires", "upholds"):
            (enabled if stem.endswith(".target") else wanted).update(names.resolve(name)[0] for name in entries)
    for name in names_of(names)[0]:
        merged = names.merge(name)
        for key in ("Wants", "Requires", "BindsTo", "Upholds", "OnSuccess", "OnFailure"):
            for one in merged.all("Unit", key):
                wanted.update(one.value.split())
    return frozenset(enabled), frozenset(wanted)


def judge_all(judge: Judge, names: Names, only: t.Collection[str] = ()) -> list[Finding]:
    """Every service and timer: a service that a timer starts is told together with it. ``only`` names units."""
    services, timers = names_of(names)
    sockets = _sockets(names)
    found: list[Finding] = []
    timed: set[str] = set()
    for name in timers:
        merged = names.merge(name)
        unit = service_of(merged)
        if merged.load == "masked" or (only and not {unit, *merged.names} & set(only)):
            continue
        known = unit.endswith(".service") and names.merge(unit).load == "loaded"
        timed.add(names.resolve(unit)[0])
        found.append(judge.timer(name, judge.service(unit, sockets.get(unit, ())) if known else None))
    for name in services:
        merged = names.merge(name)
        if name in timed or merged.load == "masked" or (only and not set(merged.names) & set(only)):
            continue
        found.append(judge.service(name, sockets.get(name, ())))
    return found


def _sockets(names: Names) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    every = {name for folder in names.tree.search for name in names.tree.folders.get(folder, ()) if name.endswith(".socket")}
    for name in every:
        merged = names.merge(name)
        service = merged.last("Socket", "Service")
        found.setdefault(service.value if service is not None else f"{name.removesuffix('.socket')}.service", []).append(name)
    return found


__all__ = ["BROKEN_PAIR", "Judge", "Judging", "judge_all", "model", "names_of", "pulled_in"]
