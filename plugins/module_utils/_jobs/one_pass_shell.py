# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""A shell script that works in a loop, made into one that does one round: the loop's body once, all else as it is.

The text is edited where the loop stands, so comments and formatting stay. Where it is not sure that one round of the new
script does what one round of the old one did, it refuses.
"""

from __future__ import annotations

import re
import typing as t

from .._errors import Refused, Unparsable
from .one_pass import OnePass
from .python_waits import Head
from .shell_reader import read_script
from .shell_state import find_carried
from .shell_tree import walk

if t.TYPE_CHECKING:
    from .shell_tree import Node

_LOOPS = ("while", "until", "for", "cfor", "select")
_FOREVER = {("true",), (":",), ("/bin/true",), ("/usr/bin/true",), ("[", "1", "]"), ("[", "true", "]"), ("[[", "1", "]]"), ("test", "1")}
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)\Z")
_DO = re.compile(r"[ \t;\n]*(?:#[^\n]*\n\s*)?do(?=[\s;#])")
# What ends with a status that says something, but not that the work failed.
_ASKS = frozenset(("[", "[[", "test", "grep", "egrep", "fgrep", "diff", "cmp", "pgrep", "expr", "let"))
# $(date +%H) and its like
_TIME_OF_DAY = re.compile(r"\bdate\s[^)`]*\+[^)`]*%%?[HMRTukIl]")
_NEVER_FAILS = frozenset(("true", ":", "echo", "printf", "logger"))
_KEEP_STATUS = "true  # a question that was answered no is no failure"


def make_one_pass_shell(text: str, file: str, line: int, interval: float | None, lost: t.Collection[str] = ()) -> OnePass:
    """The script with the loop that begins on ``line`` done once. ``interval`` are the seconds that it waits, as found; ``lost``
    are variables whose values may be lost from round to round.

    :raises Refused: it is not sure that the new script would do the same; the text says why, with the line
    """
    script = _Script(text, file)
    loop = script.loop_at(line)
    head = script.read_head(loop)
    waits, first = script.find_waits(loop, head, interval)
    body = [node for node in loop.parts[-1] if node not in waits]
    if not body:
        raise script.refused(loop, "the loop does nothing but wait")
    script.refuse_surroundings(loop, head)
    script.refuse_background(loop, waits)
    script.refuse_clock(body)
    script.refuse_work_before(loop, body)
    leaks = script.refuse_carried(body, lost)
    new = _Edit(text, loop, head, waits, script).run(body)
    try:
        read_script(new, file)
    except Unparsable as error:
        raise script.refused(loop, f"the loop could not be taken out ({error})") from error
    return OnePass(new, first, (*script.notes(body), *leaks))


def find_loop(text: str, file: str) -> int:
    """The line of the one loop in a text that waits.

    :raises Refused: there is none, or more than one
    """
    try:
        nodes = read_script(text, file)
    except Unparsable as error:
        raise Refused(f"{error}; so its loop is not edited") from error
    loops = [node for node in walk(nodes, functions=True) if node.kind in ("while", "until", "cfor")]
    found = [node.line for node in loops if any(_is_sleep(one) for part in node.parts for one in walk(part))]
    if len(found) != 1:
        raise Refused(f"{file}: it has {len(found)} loops that wait, and which one is meant is not clear")
    return found[0]


def _own(nodes: t.Iterable[Node]) -> t.Iterator[Node]:
    """Every command that belongs to a loop's round: not what lies in an inner loop or function."""
    for node in nodes:
        yield node
        if node.kind not in (*_LOOPS, "function"):
            for part in node.parts:
                yield from _own(part)


def _lists(nodes: t.Sequence[Node]) -> t.Iterator[t.Sequence[Node]]:
    """The lists of commands of which :func:`_own` gives the members."""
    yield nodes
    for node in nodes:
        if node.kind not in (*_LOOPS, "function"):
            for part in node.parts:
                yield from _lists(part)


class _Script:
    def __init__(self, text: str, file: str) -> None:
        self.text, self.file = text, file
        try:
            self.nodes = read_script(text, file)
        except Unparsable as error:
            raise Refused(f"{error}; so its loop is not edited") from error
        everything = list(walk(self.nodes, functions=True))
        self.functions = {node.words[0].text: node for node in everything if node.kind == "function" and node.words}
        self.above: dict[int, tuple[Node | None, t.Sequence[Node]]] = {}
        self._place(None, self.nodes)

    def _place(self, outer: Node | None, nodes: t.Sequence[Node]) -> None:
        for node in nodes:
            self.above[id(node)] = (outer, nodes)
            for part in node.parts:
                self._place(node, part)

    def refused(self, node: Node, why: str) -> Refused:
        return Refused(f"{self.file}:{node.line}: {why}")

    def loop_at(self, line: int) -> Node:
        found = [node for node in walk(self.nodes, functions=True) if node.kind in ("while", "until", "cfor") and node.line == line]
        if len(found) != 1 or id(found[0]) not in self.above:
            raise Refused(f"{self.file}:{line}: there is no while, until or endless for loop that could be done once")
        return found[0]

    def read_head(self, loop: Node) -> Head:
        if loop.kind == "cfor":
            if any(word.raw.strip("; \t") for word in loop.words):
                raise self.refused(loop, "the loop counts, and which part of it one run should do is not clear")
            return Head.ENDLESS
        condition = loop.parts[0]
        only = condition[0] if len(condition) == 1 else None
        if only is None or only.kind not in ("simple", "arithmetic"):
            raise self.refused(loop, "the loop ends on a condition that is no plain flag")
        forever = only.argv in _FOREVER or (only.kind == "arithmetic" and only.words[0].raw.strip() == "1")
        never = only.argv in {("false",), ("/bin/false",)}
        if (loop.kind == "until") is not only.negated:
            forever = never
        if forever:
            return Head.ENDLESS
        if only.name == "sleep":
            return Head.WAIT
        if only.name in ("[", "[[", "test") or (only.argv[:1] and only.argv[0].startswith("$")):
            return Head.FLAG
        raise self.refused(loop, "the loop ends on a command's answer, which is part of the work or a wait")

    def find_waits(self, loop: Node, head: Head, interval: float | None) -> tuple[list[Node], bool]:
        """The commands that make the pause, and whether it comes before the work."""
        body = loop.parts[-1]
        if head is Head.WAIT:
            self._refuse_other_length(loop.parts[0][0], interval)
            return [], True
        first = body[:1] and _is_sleep(body[0])
        found = _group_at(body, 0, 1) if first else _group_at(body, len(body) - 1, -1)
        if not found:
            raise self.refused(loop, "the loop neither begins nor ends with a plain sleep")
        for nodes in _lists(body):
            for index, node in enumerate(nodes):
                if node.name == "continue" and not first:
                    before = _group_at(nodes, index - 1, -1) if index else []
                    if not before:
                        raise self.refused(node, "this goes to the next round at once, without the wait; a timer cannot do that")
                    found = [*found, *before]
        sleeps = [node for node in found if _is_sleep(node)]
        if len({node.argv for node in sleeps}) > 1:
            raise self.refused(loop, "the loop waits for different times, depending on what happened; a timer has one interval")
        self._refuse_other_length(sleeps[0], interval)
        return found, bool(first)

    def _refuse_other_length(self, sleep: Node, interval: float | None) -> None:
        matches = [_DURATION.match(word) for word in sleep.argv[1:]]
        if interval is None or not matches or not all(matches):
            return
        seconds = sum(float(match[1]) * _UNITS[match[2]] for match in matches if match)
        if abs(seconds - interval) > 1e-6:
            raise self.refused(
                sleep, f"the loop waits {seconds:g} s, and the interval found is {interval:g} s; which one counts is not clear"
            )

    def refuse_surroundings(self, loop: Node, head: Head) -> None:
        leaves = [node for node in _own(loop.parts[-1]) if node.name in ("break", "continue")]
        for node in leaves:
            if len(node.argv) > 1:
                raise self.refused(node, f"{' '.join(node.argv)} leaves more than one loop")
        for node in walk(loop.parts[-1]):
            if node.name == "exec" and len(node.argv) > 1:
                raise self.refused(node, "it becomes another program")
        endless = head is not Head.FLAG and not any(node.name == "break" for node in leaves)
        self._climb(loop, loop, endless, set())

    def _climb(self, node: Node, loop: Node, endless: bool, seen: set[str]) -> None:
        """Refuse where the loop, or a call of its function, lies in another loop or in the background, or hides what follows."""
        inner: Node | None = node
        while inner is not None:
            outer, around = self.above[id(inner)]
            if inner.after == "&":
                raise self.refused(inner, "the loop runs in the background of something else")
            behind = [one for one in around[_index(around, inner) + 1 :] if one.kind != "function"]
            if endless and inner.after != "|" and behind:
                why = f"this stands behind the endless loop of line {loop.line}, never ran so far, and would run now"
                raise self.refused(behind[0], why)
            if outer is not None and outer.kind in _LOOPS:
                raise self.refused(outer, f"the loop of line {loop.line} lies in another loop")
            if outer is not None and outer.kind == "function":
                name = outer.words[0].text
                for call in [one for one in walk(self.nodes, functions=True) if one.name == name and id(one) in self.above]:
                    if name not in seen:
                        self._climb(call, loop, endless, seen | {name})
                return
            inner = outer

    def refuse_background(self, loop: Node, waits: t.Collection[Node]) -> None:
        for node in walk(loop.parts[-1]):
            if node.after == "&" and node not in waits:
                raise self.refused(node, "it starts something in the background, which systemd would end together with the script")

    def refuse_clock(self, body: t.Sequence[Node]) -> None:
        """A round that looks at the clock may miss its minute when a timer starts it; a calendar does not."""
        for node in walk(body):
            tests = node.name in ("[", "[[", "test") or node.kind in ("case", "arithmetic")
            if tests and any(_TIME_OF_DAY.search(word.raw) for word in node.words):
                raise self.refused(node, "a round works only at some time of the day; write a pair with on_calendar instead")

    def refuse_work_before(self, loop: Node, body: t.Sequence[Node]) -> None:
        """What is done once before the loop and again in each round would be done twice in every run."""
        work = {tuple(word.raw for word in node.words) for node in body if node.kind == "simple" and node.argv}
        _outer, around = self.above[id(loop)]
        for node in around[: _index(around, loop)]:
            if tuple(word.raw for word in node.words) in work and node.kind == "simple":
                raise self.refused(
                    node, f"this is part of each round of line {loop.line}, too; take it out here, so that a run does it once"
                )

    def refuse_carried(self, body: t.Sequence[Node], lost: t.Collection[str]) -> list[str]:
        carried = find_carried(self.text, body, self.functions)
        state = [one for one in carried if one.is_read and one.name not in lost]
        if state:
            names = ", ".join(f"{one.name} (line {one.line})" for one in state)
            raise Refused(
                f"{self.file}: each round goes on with what the last one left in variables: {names}. Keep it in a file; "
                "where a round can do without it, name it in lost_state"
            )
        grown = [one for one in carried if not one.is_read]
        return [f"{one.name} (line {one.line}) only grows and is never read: a leak that ends with each run" for one in grown]

    def notes(self, body: t.Sequence[Node]) -> list[str]:
        last = body[-1]
        if asks(body):
            return []
        return [f"how the command of line {last.line} ends is how the run ends now; the loop did not look at it"]


def _index(nodes: t.Sequence[Node], node: Node) -> int:
    return next(index for index, one in enumerate(nodes) if one is node)


def _is_sleep(node: Node) -> bool:
    return node.name == "sleep" and not node.redirects and node.after in ("", ";", "&")


def _group_at(nodes: t.Sequence[Node], index: int, step: int) -> list[Node]:
    """The commands that wait, next to a place in a list: ``sleep n``, or ``sleep n &`` and ``wait``."""
    if not 0 <= index < len(nodes):
        return []
    pair = sorted((index, index + step))
    if pair[0] >= 0 and pair[1] < len(nodes):
        one, two = nodes[pair[0]], nodes[pair[1]]
        if _is_sleep(one) and one.after == "&" and two.name == "wait":
            return [one, two]
    node = nodes[index]
    before = nodes[index - 1] if index else None
    is_alone = before is None or before.after not in ("&&", "||", "|")
    return [node] if _is_sleep(node) and node.after != "&" and is_alone else []


def asks(body: t.Sequence[Node]) -> bool:
    """Whether the last command's status may say no without anything having failed."""
    last = body[-1]
    chained = len(body) > 1 and body[-2].after in ("&&", "||") and not (body[-2].after == "||" and last.name in _NEVER_FAILS)
    return chained or last.negated or last.name in _ASKS or last.kind == "arithmetic"


class _Edit:
    def __init__(self, text: str, loop: Node, head: Head, waits: t.Sequence[Node], script: _Script) -> None:
        self.text, self.loop, self.head, self.waits, self.script = text, loop, head, waits, script

    def run(self, body: t.Sequence[Node]) -> str:
        """The new text."""
        loop, text = self.loop, self.text
        stays = any(node.name in ("break", "continue") for node in _own(loop.parts[-1])) or self.head is Head.FLAG
        plain = not loop.redirects and loop.after != "|" and text[loop.start : loop.stop].rstrip().endswith("done")
        begin = self._behind_do()
        inner = self._without_waits(begin, loop.stop)
        if asks(body):
            inner = self._ending_well(inner)
        if stays or not plain or not self._can_dedent():
            check = f" {self._condition()} || break;" if self.head is Head.FLAG else ""
            return f"{text[: loop.start]}for one_pass in 1; do{check}{inner}{text[loop.stop :]}"
        return text[: loop.start] + self._dedented(inner) + text[loop.stop :]

    def _behind_do(self) -> int:
        """The offset behind the word ``do``."""
        loop = self.loop
        at = loop.parts[0][-1].stop if loop.kind != "cfor" else self.text.find("))", loop.start) + 2
        match = _DO.match(self.text, at)
        if match is None:
            raise self.script.refused(loop, "its head is written in a way that is not edited")
        return match.end()

    def _condition(self) -> str:
        condition = self.loop.parts[0]
        text = self.text[condition[0].start : condition[-1].stop].strip().rstrip(";").strip()
        return f"! {text}" if self.loop.kind == "until" else text

    def _without_waits(self, begin: int, end: int) -> str:
        """The text from one offset to another without the commands that wait."""
        pieces = []
        for first, last in self._groups():
            start, stop = self._span(first, last)
            pieces.append(self.text[begin:start])
            begin = max(begin, stop)
        return "".join([*pieces, self.text[begin:end]])

    def _groups(self) -> list[tuple[Node, Node]]:
        """The first and the last of the waits that stand next to each other (``sleep 60 & wait``)."""
        found: list[tuple[Node, Node]] = []
        for node in sorted(self.waits, key=lambda one: one.start):
            if found and not self.text[found[-1][1].stop : node.start].strip("&; \t\n"):
                found[-1] = (found[-1][0], node)
            else:
                found.append((node, node))
        return found

    def _span(self, first: Node, last: Node) -> tuple[int, int]:
        """What to take out for commands: their lines where they stand alone there, else they and what ends them."""
        text = self.text
        line = text.rfind("\n", 0, first.start) + 1
        stop = last.start + len(text[last.start : last.stop].rstrip())
        match = re.compile(r"[ \t]*[;&]?[ \t]*(#[^\n]*)?(\n|\Z)").match(text, stop)
        if not text[line : first.start].strip() and match is not None:
            return line, match.end()
        behind = re.compile(r"[ \t]*[;&]?[ \t]*").match(text, stop)
        return first.start, behind.end() if behind else stop

    def _ending_well(self, inner: str) -> str:
        """The body with a last command that ends with 0."""
        at = inner.rfind("done")
        before = inner[:at]
        if "\n" not in before:
            return f"{before.rstrip().rstrip(';')}; true; {inner[at:]}"
        last = before.rstrip("\n \t").rpartition("\n")[2]
        indent = last[: len(last) - len(last.lstrip())]
        lines = before.rstrip(" \t")
        return f"{lines}{indent}{_KEEP_STATUS}\n{before[len(lines) :]}{inner[at:]}"

    def _can_dedent(self) -> bool:
        """Here-documents and strings over several lines must not be moved."""
        nodes = list(walk(self.loop.parts[-1]))
        moved = any(operator.startswith("<<") and operator != "<<<" for node in nodes for operator, _target in node.redirects)
        return not moved and not any("\n" in word.raw for node in nodes for word in node.words)

    def _dedented(self, inner: str) -> str:
        """The body in the place of the loop."""
        loop, text = self.loop, self.text
        body = inner[: inner.rstrip().rfind("done")]
        if "\n" not in body.strip("\n"):
            return body.strip().rstrip(";").strip()
        head, _end, rest = body.partition("\n")
        outer = text[text.rfind("\n", 0, loop.start) + 1 : loop.start]
        lines = rest.rstrip().split("\n")
        first = next(line for line in lines if line.strip())
        inside = first[: len(first) - len(first.lstrip())]
        moved = [outer + line[len(inside) :] if line.startswith(inside) and line.strip() else line for line in lines]
        moved[0] = moved[0].removeprefix(outer)
        comment = head.strip()
        return "\n".join([comment, outer + moved[0], *moved[1:]] if comment else moved)
