# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Loops of shell scripts: what each does in a round, how it waits, and what could end it."""

from __future__ import annotations

import re
import typing as t

from .._errors import Unparsable
from . import signs
from .model import INFERRED, MOST_LOOPS, SLEEP_LOOP, SURE, Interval, Judged, Loop
from .python_loops import LONGEST, SHORTEST, WITHIN
from .shell_mending import find_mending
from .shell_reader import read_script
from .shell_signs import ECHOES, is_child_server, is_event, is_sleep
from .shell_state import find_carried
from .shell_tree import Node, walk
from .shell_values import Variables
from .weigh import weigh

_QUIET = frozenset(
    (
        "",
        ":",
        "true",
        "false",
        "sleep",
        "wait",
        "echo",
        "printf",
        "logger",
        "test",
        "[",
        "[[",
        "local",
        "export",
        "shift",
        "set",
        "trap",
        "continue",
        "break",
        "return",
        "exit",
        "read",
        "date",
        "let",
        "declare",
        "log",
        "unset",
        "exec",
        "kill",
    )
)
_ONE = re.compile(r"^(1|true|:|\"?1\"?)$")
_DEPTH = 5
_SLEEPS_BY_NAME = re.compile(r"(?i)(^|_)(sleep|nap|pause|delay)$")


class _Wait(t.NamedTuple):
    node: Node
    interval: Interval
    place: str


class ShellProgram(t.NamedTuple):
    """What a shell script is, and the command lines that decide it with it: ``main`` are run one after the other (or
    instead of the script, by ``exec``), ``rounds`` in each round of the loop that was found."""

    judged: Judged
    main: tuple[tuple[str, ...], ...]
    rounds: tuple[tuple[str, ...], ...]
    last: tuple[str, ...]


def read_shell(
    text: str,
    path: str,
    argv: t.Sequence[str],
    environment: t.Mapping[str, str | None],
    first_line: int = 1,
    read: t.Callable[[str], str | None] = lambda _path: None,
) -> ShellProgram:
    """What a shell script is. ``read`` gives the text of a file that it reads in (``. /etc/default/x``), None where there
    is none.

    :raises Unparsable: the script cannot be read
    """
    nodes = read_script(text, path, first_line)
    return _Script(nodes, text, path, argv, environment, read).program()


class _Script:
    def __init__(
        self,
        nodes: tuple[Node, ...],
        text: str,
        path: str,
        argv: t.Sequence[str],
        environment: t.Mapping[str, str | None],
        read: t.Callable[[str], str | None],
    ) -> None:
        self.nodes, self.path = nodes, path
        self._text = text
        self.functions = {node.words[0].text: node for node in walk(nodes, functions=True) if node.kind == "function"}
        self.variables = Variables(nodes, argv, environment)
        self._read_in(read)
        self._main: list[tuple[str, ...]] = []
        self._waits_of: dict[tuple[str, int, str], list[_Wait]] = {}
        self._serving: list[str] = []
        self._children = False
        self._found: list[tuple[Loop, Node]] = []
        self._entered: set[str] = set()
        self._behind: list[Node] = []

    def _read_in(self, read: t.Callable[[str], str | None]) -> None:
        for node in list(walk(self.nodes, functions=True)):
            if node.name in (".", "source") and len(node.argv) > 1:
                known = self.variables.expand(node.argv[1])
                text = read(known[0]) if known is not None else None
                if text is None:
                    continue
                try:
                    inner = read_script(text, node.argv[1])
                except Exception:  # noqa: S112 what cannot be read tells nothing
                    continue
                self.variables.add(inner)
                for one in walk(inner, functions=True):
                    if one.kind == "function":
                        self.functions.setdefault(one.words[0].text, one)

    def program(self) -> ShellProgram:
        self._run(self.nodes, background=False)
        self._re_exec()
        self._found = [(self._beside(loop, node), node) for loop, node in self._found]
        loops = [loop for loop, _node in self._found]
        judged = weigh(loops, self._serving, self._children)
        chosen = next((node for loop, node in self._found if loop is judged.loop), None)
        if judged.verdict == SLEEP_LOOP and chosen is not None and self._carries(chosen):
            judged = judged._replace(confidence=INFERRED)
        rounds = [one.argv for one in walk((chosen,)) if one.kind == "simple" and one.argv] if chosen is not None else []
        last = next((tuple(node.argv) for node in reversed(self.nodes) if node.kind == "simple" and node.argv), ())
        return ShellProgram(judged, tuple(self._main), tuple(rounds), last)

    def _carries(self, loop: Node) -> bool:
        """Whether a round goes on with what the last one left in variables: what a run of its own would not know."""
        body = tuple(node for part in loop.parts for node in part)
        return any(one.is_read for one in find_carried(self._text, body, self.functions))

    def _run(self, nodes: t.Sequence[Node], background: bool, depth: int = _DEPTH) -> None:
        """Walks over what runs, functions where they are called."""
        for index, node in enumerate(nodes):
            behind = background or _is_background(nodes, index)
            if node.kind in ("while", "until", "cfor"):
                self._loop(node, behind, depth)
            elif node.kind == "function":
                continue
            elif node.kind == "simple":
                self._simple(node, behind, depth)
            else:
                for part in node.parts:
                    self._run(part, behind, depth)

    def _simple(self, node: Node, background: bool, depth: int) -> None:
        name = node.name
        if name in self.functions and depth:
            if name not in self._entered:
                self._entered.add(name)
                self._recursion(self.functions[name])
                self._run(self.functions[name].parts[0], background, depth - 1)
            return
        if name == "watch":
            self._watch(node)
        elif (is_sleep(node) and "infinity" in node.argv) or (name == "tail" and "/dev/null" in node.argv):
            text = " ".join(node.argv)
            keeps = Loop(
                "keepalive", self.path, node.line, node.end, text, Interval(None, text), (), "it only waits", (node.line, node.end)
            )
            self._found.append((keeps, node))
        elif is_event(node) and not background:
            self._serving.append(f"{' '.join(node.argv)[:60]} (line {node.line})")
        elif background and name and not is_sleep(node) and name not in _QUIET:
            self._children = True
            self._serving.append(f"it starts {name} beside itself (line {node.line})")
        elif (name and name not in _QUIET) or (name == "exec" and len(node.argv) > 1):
            self._main.append(node.argv)

    def _loop(self, node: Node, background: bool, depth: int) -> None:
        if self._endless(node):
            inner = [one for one in walk(node.parts[-1]) if one.kind in ("while", "until", "cfor") and self._goes_on(one)]
            if inner and not any(_is_background(node.parts[-1], index) for index in range(len(node.parts[-1]))):
                # A loop around another endless loop only starts that one again.
                self._run(node.parts[-1], background, depth)
                return
            if len(self._found) == MOST_LOOPS:
                raise Unparsable(f"{self.path}: it has more than {MOST_LOOPS} loops")
            self._found.append((self._classify(node), node))
            if background:
                self._behind.append(node)
            return
        for part in node.parts:
            self._run(part, background, depth)

    def _goes_on(self, node: Node) -> bool:
        """Whether a loop inside another one never lets that go on: ``while true; do ready && break; sleep 1; done`` does."""
        return self._endless(node) and not self._exits(node.parts[-1])

    def _beside(self, loop: Loop, node: Node) -> Loop:
        """A loop in the background, beside a script that goes on with other work, is a helper of that."""
        if loop.kind != "job" or node not in self._behind or not self._works_after(node):
            return loop
        return loop._replace(kind="unclear", why="it runs in the background, beside other work of the script")

    def _works_after(self, node: Node) -> bool:
        after = [one for one in self.nodes if one.start > node.start]
        return any(one.kind == "simple" and one.name and one.name not in _QUIET and not is_sleep(one) for one in self._all(after))

    def _recursion(self, function: Node) -> None:
        name, body = function.words[0].text, function.parts[0]
        if body and body[-1].kind == "simple" and body[-1].name == name:
            loop = self._classify(function._replace(parts=((), body)))
            if loop.wait is not None and loop.kind != "waiting":
                self._found.append((loop._replace(shape="recursion"), function))

    def _re_exec(self) -> None:
        last = self.nodes[-1] if self.nodes else None
        if (
            last is not None
            and last.name == "exec"
            and len(last.argv) > 1
            and last.argv[1] in ("$0", "${0}", "$BASH_SOURCE", "${BASH_SOURCE[0]}")
        ):
            loop = self._classify(last._replace(kind="group", parts=((), self.nodes[:-1]), line=self.nodes[0].line))
            self._found.append((loop._replace(shape="re-exec"), last))

    def _watch(self, node: Node) -> None:
        words, seconds = list(node.argv[1:]), 2.0
        while words and words[0].startswith("-"):
            word = words.pop(0)
            match = re.match(r"(?:-[a-z]*n|--interval)=?(\d[\d.]*)?$", word)
            if match:
                known = self.variables.seconds([match[1] or (words.pop(0) if words else "")], word)
                seconds = known.seconds if known.seconds is not None else seconds
        kind = "job" if seconds >= SHORTEST else "ticker"
        interval = Interval(seconds, " ".join(node.argv)[:100])
        why = "watch repeats its work" if kind == "job" else f"its period of {seconds:g} s is too short to tell a job from a ticker"
        self._found.append(
            (
                Loop(
                    kind,
                    self.path,
                    node.line,
                    node.end,
                    interval.source,
                    interval,
                    (" ".join(words)[:60],),
                    why,
                    (node.line, node.end),
                    shape="watch",
                ),
                node,
            )
        )

    # Whether a loop goes on until somebody stops the script.

    def _endless(self, node: Node) -> bool:
        if node.kind == "cfor":
            fields = node.words[0].text.split(";")
            return len(fields) == 3 and (not fields[1].strip() or fields[1].strip() in ("1", "true"))
        if node.kind not in ("while", "until") or not node.parts[0]:
            return False
        test = node.parts[0][-1]
        return self._truth(test, node) is (node.kind == "while")

    def _truth(self, test: Node, loop: Node) -> bool | None:
        found = self._plain_truth(test, loop)
        return (not found) if test.negated and found is not None else found

    def _plain_truth(self, test: Node, loop: Node) -> bool | None:
        if test.kind == "arithmetic":
            text = test.words[0].text.strip()
            return text not in ("0", "") if re.fullmatch(r"\d*", text) else self._flag(text, loop)
        if test.kind != "simple":
            return True if self._waits((test,), _DEPTH - 1) else None
        argv = test.argv
        if test.name in ("true", ":") or is_sleep(test) or test.name == "wait":
            return True
        if test.name == "false":
            return False
        if test.name in ("[", "[[", "test"):
            return self._bracket(argv[1:-1] if test.name != "test" else argv[1:], loop)
        if test.name in self.functions or _SLEEPS_BY_NAME.search(test.name):
            waits = self._waits((test,), _DEPTH - 1)
            return True if any(one.place == "steady" for one in waits) else None
        if len(argv) == 1 and argv[0].startswith("$"):
            # while $running; do
            return self._flag(argv[0], loop)
        return None

    def _bracket(self, words: t.Sequence[str], loop: Node) -> bool | None:
        if len(words) == 1:
            return True if _ONE.match(words[0]) or not words[0].startswith("$") else self._flag(words[0], loop)
        if len(words) == 2 and words[0] == "!":
            inner = self._bracket(words[1:], loop)
            return None if inner is None else not inner
        if len(words) == 2 and words[0] in ("-z", "-n"):
            return self._flag(words[1], loop)
        if len(words) == 3:
            if "$" not in words[0] + words[2]:
                same = words[0] == words[2]
                return same if words[1] in ("=", "==", "-eq") else not same if words[1] in ("!=", "-ne") else True
            return self._flag(words[0], loop)
        return None

    def _flag(self, text: str, loop: Node) -> bool | None:
        """A variable that is set from outside (by a trap, say): never in the loop."""
        names = re.findall(r"[A-Za-z_]\w*", text)
        if not names:
            return None
        inside = {
            word.raw.partition("=")[0].rstrip("+")
            for node in walk(loop.parts[-1])
            if node.kind == "simple"
            for word in node.words[: node.assigned]
        }
        if any(name in inside for name in names) or not all(signs.FLAG.search(name) for name in names):
            return None
        return loop.kind == "while"

    # What a round does.

    def _text_of(self, nodes: t.Sequence[Node]) -> str:
        """The source of commands and of the functions that they call, lines left out that are comments."""
        found = [self._text[nodes[0].start : nodes[-1].stop]] if nodes else []
        for node in self._all(nodes):
            if node.kind == "function":
                found.append(self._text[node.start : node.stop])
        return re.sub(r"(?m)^[ \t]*#[^\n]*", "", "\n".join(found))

    def _all(self, nodes: t.Sequence[Node], depth: int = _DEPTH, seen: set[str] | None = None) -> t.Iterator[Node]:
        """Every command of a round, functions where they are called first."""
        seen = set() if seen is None else seen
        for node in walk(nodes):
            yield node
            if node.name in self.functions and depth and node.name not in seen:
                seen.add(node.name)
                function = self.functions[node.name]
                yield function
                yield from self._all(function.parts[0], depth - 1, seen)

    def _classify(self, node: Node) -> Loop:
        condition, body = node.parts if len(node.parts) == 2 else ((), node.parts[0])
        first = self._waits(condition, _DEPTH) if condition else []
        waits = [*first, *self._waits(body, _DEPTH)]
        steady = [one for one in waits if one.place == "steady"]
        direct = [one for one in steady if WITHIN not in one.interval.source] or steady
        wait = max(direct, key=lambda one: one.interval.seconds if one.interval.seconds is not None else 1.0) if direct else None
        interval = wait.interval if wait is not None else Interval(None, "", False)
        kind, why = self._kind((*condition, *body), waits, wait)
        own = wait is not None and wait not in first
        begins = body[0].line if body else node.line
        ends = max((one.end for one in body), default=node.end)
        return Loop(
            kind=kind,
            file=self.path,
            line=node.line,
            end=node.end,
            text=self._text[node.start : node.stop].split("\n")[0].strip()[:120],
            interval=interval,
            work=self._work((*condition, *body)),
            why=why,
            body=(begins, ends),
            wait=(wait.node.line, wait.node.end) if wait is not None and own else None,
            waits_first=bool(first) or (own and bool(body) and wait is not None and wait.node.start == body[0].start),
            confidence=SURE if interval.sure else INFERRED,
            shape="for" if node.kind == "cfor" else "while",
        )

    def _work(self, nodes: t.Sequence[Node]) -> tuple[str, ...]:
        found = []
        for node in walk(nodes):
            if node.kind == "simple" and node.argv and (node.name not in _QUIET or _to_file(node)) and not is_sleep(node):
                found.append(" ".join(node.argv)[:60])
        return tuple(dict.fromkeys(found))[:6]

    def _kind(self, body: t.Sequence[Node], waits: list[_Wait], wait: _Wait | None) -> tuple[str, str]:
        every = list(self._all(body))
        event = next((one for one in every if one.kind == "simple" and is_event(one)), None)
        if event is not None:
            return "events", f"it waits for events: {' '.join(event.argv)[:60]}"
        if self._waits_for_children(every):
            return "supervisor", "it waits for children"
        exits = self._exits(body)
        if exits:
            return "waiting", f"it ends when its work says so (line {exits[0].line})"
        if wait is None:
            return self._without_steady(waits)
        text = self._text_of(body)
        work = self._real_work(every)
        if not work:
            return self._no_work(every, wait)
        seconds = wait.interval.seconds
        if all(signs.WATCHDOG.search(" ".join(one.argv)) for one in work):
            return "watchdog", "it feeds a watchdog"
        kind, why = self._by_work(work, every, text, seconds)
        mends = find_mending(body, self.functions, self._text, seconds) if kind in ("job", "unclear") else None
        return (kind, why) if mends is None else ("repair", f"it looks whether something is well and mends it (line {mends.line})")

    def _no_work(self, every: t.Sequence[Node], wait: _Wait) -> tuple[str, str]:
        said = " ".join(" ".join(one.argv) + " ".join(target for _sign, target in one.redirects) for one in every if one.name in ECHOES)
        if signs.WATCHDOG.search(said):
            return "watchdog", "it feeds a watchdog"
        says = any(one.name in ECHOES for one in every) and (wait.interval.seconds is None or wait.interval.seconds >= SHORTEST)
        return ("heartbeat", "a round only says that it is there") if says else ("keepalive", "a round does nothing but wait")

    def _real_work(self, every: t.Sequence[Node]) -> list[Node]:
        return [
            one
            for one in every
            if one.kind == "simple"
            and one.argv
            and not is_sleep(one)
            and one.name not in self.functions
            and (one.name not in _QUIET or _to_file(one))
        ]

    @staticmethod
    def _without_steady(waits: list[_Wait]) -> tuple[str, str]:
        if any(one.place == "failure" for one in waits):
            return "retry", "it waits only after a failure"
        if any(one.place == "idle" for one in waits):
            return "idle", "it waits only under a condition"
        if any(one.place == "each" for one in waits):
            return "limited", "it waits between the items of its work, not between rounds"
        return "busy", "it never waits for time"

    @staticmethod
    def _by_work(work: list[Node], every: t.Sequence[Node], text: str, seconds: float | None) -> tuple[str, str]:
        said = " ".join(" ".join(one.argv) for one in every if one.name in ECHOES)
        if (signs.REPAIRS.search(text) or re.search(r"\bps\b[^\n|]*\|[^\n]*grep", text)) and re.search(
            r"\b(re)?start\b|nohup|&\s*$|reload|setsid", text, re.MULTILINE
        ):
            return "repair", "it looks whether something runs and starts it again"
        if signs.CONNECTIVITY.search(text) and signs.RECONNECTS.search(text):
            return "repair", "it looks whether a connection is there and mends it"
        started = [one for one in work if one.name not in ("systemctl", "service", "date", "rm", "mkdir", "cd", "cat", "touch")]
        if (
            signs.SUPERVISION.search(said)
            and len(started) <= 2
            and not any(one.name in ("systemctl", "service", "docker") for one in work)
            and (seconds is None or seconds <= 120)
        ):
            return "supervisor", "it starts a program again when that has ended"
        server = next((one for one in work if is_child_server(one)), None)
        # Interpreters say little: main.py every hour is a job, and every ten seconds a server that is started again.
        if server is not None and (
            seconds is None or seconds < 60 or not server.name.startswith(("python", "node", "ruby", "perl", "php"))
        ):
            return "supervisor", f"it starts {server.name} again and again, which serves others"
        if signs.CONTROL.search(text):
            return "control", "it controls something that must be controlled all the time"
        if signs.HEAT.search(text) and signs.POWERS_OFF.search(text):
            return "control", "it switches the machine off when that is too hot"
        if seconds is not None and seconds >= LONGEST:
            return "unclear", f"it does its work once, and waits {seconds / 86400:.0f} days"
        if seconds is not None and seconds < SHORTEST:
            return "ticker", f"its period of {seconds:g} s is too short to tell a job from a ticker"
        alone = len(work) == 1 and work[0].argv[0].startswith(("/", "./", "$")) and seconds is not None and seconds < 30
        if alone:
            return "unclear", f"whether {work[0].argv[0]} ends by itself is not known"
        return "job", "it does its work, waits, and does it again"

    @staticmethod
    def _waits_for_children(every: t.Sequence[Node]) -> bool:
        waits = [one for one in every if one.kind == "simple" and one.name == "wait"]
        sleeps = [one for one in every if one.kind == "simple" and is_sleep(one)]
        return bool(waits) and not sleeps

    def _exits(self, body: t.Sequence[Node]) -> list[Node]:
        """Commands that end the loop because of what its work found."""
        found: list[Node] = []
        self._add_exits(body, "", found)
        return found

    def _add_exits(self, nodes: t.Sequence[Node], guard: str, found: list[Node]) -> None:
        for index, node in enumerate(nodes):
            own = guard
            if index and nodes[index - 1].after in ("&&", "||") and not guard:
                own = self._guard((nodes[index - 1],))
            if node.kind == "simple" and self._ends(node) and own != "neutral":
                found.append(node)
            elif node.kind == "if":
                for at in range(0, len(node.parts) - 1, 2):
                    self._add_exits(node.parts[at + 1], own or self._guard(node.parts[at]), found)
                if len(node.parts) % 2:
                    self._add_exits(node.parts[-1], own or self._guard(node.parts[0]), found)
            elif node.kind in ("case", "group"):
                for part in node.parts:
                    self._add_exits(part, own or ("work" if node.kind == "case" else ""), found)

    @staticmethod
    def _ends(node: Node) -> bool:
        if node.name in ("break", "return"):
            return True
        return node.name == "exit" and (len(node.argv) == 1 or node.argv[1] == "0")

    def _guard(self, condition: t.Sequence[Node]) -> str:
        # run_as_user git clone ... tells of no flag; $run does.
        text = self._text[condition[0].start : condition[-1].stop] if condition else ""
        words = re.findall(r"(?<![\w$])(?!run_)[A-Za-z_]\w*|(?<=\$)\w+", text)
        if any(is_sleep(one) for one in walk(condition)):
            return "neutral"
        neutral = any(signs.STOPS.search(word) or re.search(r"(?i)fail|err", word) for word in words if word not in ("test", "true"))
        return "neutral" if neutral else "work"

    def _waits(self, nodes: t.Sequence[Node], depth: int, place: str = "steady") -> list[_Wait]:
        found: list[_Wait] = []
        if not depth:
            return found
        for index, node in enumerate(nodes):
            own = place
            if index and nodes[index - 1].after == "||":
                own = "failure"
            elif index and nodes[index - 1].after == "&&" and not is_sleep(nodes[index - 1]) and nodes[index - 1].name not in ECHOES:
                own = "idle" if place == "steady" and nodes[index - 1].name in ("[", "[[", "test", "grep") else place
            if node.kind == "simple" and is_sleep(node):
                if node.after != "&" or any(one.name == "wait" for one in nodes) or place == "condition":
                    words = (
                        node.argv[1:]
                        if node.name == "sleep"
                        else node.argv[node.argv.index("sleep") + 1 :]
                        if "sleep" in node.argv
                        else node.argv[1:]
                    )
                    found.append(_Wait(node, self.variables.seconds(words, " ".join(node.argv)), own))
            elif node.kind == "simple" and node.name in self.functions:
                found += self._waits_of_call(node, depth, own)
            elif node.kind == "simple" and _SLEEPS_BY_NAME.search(node.name):
                found.append(_Wait(node, self.variables.seconds(node.argv[1:], " ".join(node.argv)), own))
            elif node.kind != "function" and node.kind != "simple" and node.after != "&":
                found += self._waits_inside(node, depth - 1, own)
        return found

    def _waits_of_call(self, node: Node, depth: int, place: str) -> list[_Wait]:
        function = self.functions[node.name]
        # Once for each function: scripts whose functions call each other many times would take for ever.
        known = (node.name, depth, place)
        if known not in self._waits_of:
            self._waits_of[known] = [one for one in self._waits(function.parts[0], depth - 1, place) if one.place == place]
        inner = self._waits_of[known]
        if not inner:
            return []
        interval = inner[0].interval
        if interval.seconds is None and len(node.argv) > 1:
            interval = self.variables.seconds(node.argv[1:2], " ".join(node.argv))
        return [_Wait(node, interval._replace(source=f"{' '.join(node.argv)}{WITHIN}{inner[0].interval.source}"), place)]

    def _waits_inside(self, node: Node, depth: int, place: str) -> list[_Wait]:
        if node.kind in ("group", "subshell"):
            return [one for part in node.parts for one in self._waits(part, depth, place)]
        if node.kind == "if":
            return self._waits_of_if(node, depth, place)
        if node.kind == "case":
            return self._waits_of_case(node, depth, place)
        if node.kind in ("while", "until") and place == "steady":
            until = self._until(node, depth)
            if until is not None:
                return [until]
        inner = [one for part in node.parts for one in self._waits(part, depth, place)]
        if node.kind in ("for", "cfor") and inner and not self._work(node.parts[-1]):
            return [inner[0]._replace(interval=Interval(None, "sleep in small steps", False), node=node)]
        where = "each" if node.kind == "for" else "idle"
        return [one._replace(place=where) if one.place == "steady" else one for one in inner]

    def _waits_of_if(self, node: Node, depth: int, place: str) -> list[_Wait]:
        tests = [one for part in node.parts[0 : len(node.parts) - len(node.parts) % 2 : 2] for one in self._waits(part, depth, place)]
        bodies = [*node.parts[1::2], *([node.parts[-1]] if len(node.parts) % 2 else [])]
        waits = [self._waits(part, depth, place) for part in bodies]
        whole = len(node.parts) % 2 == 1 and all(any(one.place == "steady" for one in part) for part in waits)
        names = re.findall(r"[A-Za-z_]\w*", self._text[node.parts[0][0].start : node.parts[0][-1].stop]) if node.parts[0] else []
        left = any(signs.TIME_LEFT.search(name) for name in names) and place == "steady"
        flat = [one for part in waits for one in part]
        if whole or left:
            return [*tests, *flat]
        return [*tests, *(one._replace(place="idle") if one.place == "steady" else one for one in flat)]

    def _waits_of_case(self, node: Node, depth: int, place: str) -> list[_Wait]:
        """A wait in every arm is a wait in every round, where one arm takes all that is left."""
        waits = [self._waits(part, depth, place) for part in node.parts]
        left = re.search(r"(?:^|[\s(|;])\*\)", self._text[node.start : node.stop])
        if left and all(any(one.place == "steady" for one in part) for part in waits):
            return [one for part in waits for one in part]
        return [one._replace(place="idle") if one.place == "steady" else one for part in waits for one in part]

    def _until(self, node: Node, depth: int) -> _Wait | None:
        """``while [ "$(date +%s)" -lt "$next" ]; do sleep 5; done`` waits in small steps until a time has come."""
        test = self._text[node.parts[0][0].start : node.parts[0][-1].stop] if node.parts[0] else ""
        if not re.search(r"\bdate\b|SECONDS|%\(", test) or self._real_work(list(self._all(node.parts[-1]))):
            return None
        steps = [one for one in self._waits(node.parts[-1], depth) if one.place == "steady"]
        if not steps:
            return None
        return _Wait(node, self._time_until(test), "steady")

    def _time_until(self, test: str) -> Interval:
        """How long it is until a time that a script has reckoned: the number that it added to the present."""
        for name in re.findall(r"[A-Za-z_]\w*", test):
            for value in self.variables.constants(name):
                if re.search(r"\bdate\b|SECONDS|%\(", value):
                    rest = re.sub(r"\$?\(\s*(?:date|printf)\b[^()]*\)+|EPOCHSECONDS|SECONDS", " ", value)
                    for part in re.findall(r"[A-Za-z_]\w*|\d+", rest):
                        known = self.variables.seconds([part if part.isdigit() else f"${part}"], value)
                        if known.seconds:
                            return known._replace(source=test.strip()[:100], sure=False)
        return Interval(None, test.strip()[:100], False)


def _is_background(nodes: t.Sequence[Node], index: int) -> bool:
    """Whether a command, or the list that it belongs to, ends with ``&``."""
    while index < len(nodes) and nodes[index].after in ("&&", "||", "|"):
        index += 1
    return index < len(nodes) and nodes[index].after == "&"


def _to_file(node: Node) -> bool:
    """Whether what a command prints goes to a file."""
    return any(
        sign in (">", ">>", "&>", "&>>", ">|")
        and not target.startswith(("/dev/std", "/dev/null", "/dev/tty", "&"))
        and target not in ("1", "2")
        for sign, target in node.redirects
    ) and node.name not in ("exec", "")
