# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""Loops of Perl, Ruby, JavaScript and PHP programs, by cautious patterns: what is found is inferred."""

from __future__ import annotations

import itertools
import re

from .._errors import Unparsable
from . import mending, signs
from .model import INFERRED, MOST_LOOPS, Interval, Judged, Loop
from .node_schedules import read_node_schedules
from .python_loops import SHORTEST
from .weigh import weigh

_LINE_COMMENT = {
    "perl": r"(?m)(^|\s)#.*$",
    "ruby": r"(?m)(^|\s)#.*$",
    "node": r"(?m)(^|[\s;{}])//.*$|/\*.*?\*/",
    "php": r"(?m)(^|[\s;{}])(//|#).*$|/\*.*?\*/",
}
_POD = re.compile(r"(?ms)^=(?:pod|head\d|begin|item|over|cut).*?(?:^=cut.*?$|\Z)|^__END__.*\Z")
_STRING = re.compile(r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"")
_HEADS = {
    "perl": (
        r"\b(?:while\s*\(\s*(?:1|true|(?:not\s+|!\s*)\$(?:stop|quit|exit|term|shut|kill|done|end)\w*|\$(?:run\w*|keep\w*|"
        r"loop\w*|continue))\s*\)|until\s*\(\s*(?:0|\$(?:stop|quit|exit|term|shut|kill)\w*)\s*\)|"
        r"for\s*\(\s*;\s*;\s*\)|while\s*\(\s*sleep\b[^)]*\))\s*\{"
    ),
    "php": (
        r"\b(?:while\s*\(\s*(?:1|true|TRUE|!\s*\$(?:stop|quit|exit|term|shut|kill)\w*|\$(?:run\w*|keep\w*|loop\w*))\s*\)|"
        r"for\s*\(\s*;\s*;\s*\)|do)\s*\{"
    ),
    "ruby": (
        r"(?m)^\s*(?:loop\s+(?:do|\{)|while\s+(?:true|1|@?running|!@?\w*stop\w*)\b(?:\s+do)?|"
        r"until\s+(?:false|@?\w*stop\w*)\b(?:\s+do)?)"
    ),
    "node": r"\b(?:while\s*\(\s*(?:true|1|!\s*\w*[sS]top\w*|running)\s*\)|for\s*\(\s*;\s*;\s*\))\s*\{",
}
_SERVES = re.compile(
    r"(?i)\blisten\s*\(|\baccept\s*\(|createServer|IO::Socket(?:::\w+)?->new\([^)]*Listen|socket_(?:accept|listen|select)|"
    r"stream_(?:select|socket_server)|IO::Select|"
    r"AnyEvent|IO::Async|\bPOE\b|Mojo::|Net::Server|HTTP::Daemon|EventMachine|TCPServer|UNIXServer|WEBrick|sinatra|"
    r"express\s*\(|fastify|\bws\b\.on|WebSocket|"
    r"\.on\(\s*['\"](?:message|data|connection|request|connect)['\"]|mqtt\.connect|\.subscribe\s*\(|client\.login|bot\.(?:launch|start|on)|"
    r"IO\.select|Linux::Inotify2|inotify|fs\.watch|chokidar|process\.stdin|\bwaitpid\b|react\\|ReactPHP|Swoole|Workerman|pcntl_wait|"
    r"basic_consume|brpop|blpop|->(?:consume|accept|recv)\b|\bsysread\s*\(\s*\$(?:sock|client)|<\$(?:sock|client|pipe|fh|"
    r"fifo)\w*>|Net::DBus|Glib::MainLoop|sd_notify"
)
_SLEEP = {
    "perl": r"\b(?:sleep|Time::HiRes::sleep)\s*\(?\s*([^;)]*)",
    "php": r"\b(?:sleep)\s*\(\s*([^;)]*)\)",
    "ruby": r"\b(?:Kernel\.)?sleep\b\s*\(?\s*([^\n;)]*)",
    "node": (
        r"\b(?:await\s+)?(?:sleep|delay|wait|setTimeout|timers\.setTimeout)\s*\(\s*"
        r"(?:\w+\s*=>\s*setTimeout\(\s*\w+\s*,\s*)?([^;)]*)\)?"
    ),
}
_MILLI = frozenset(("node",))


def read_other(text: str, path: str, language: str) -> Judged:
    """What a program in Perl, Ruby, JavaScript or PHP is, as far as patterns tell.

    :raises Unparsable: it has too many loops
    """
    code = _without_comments(text, language)
    serving = [f"{match[0].strip()[:40]} (line {code.count(chr(10), 0, match.start()) + 1})" for match in _SERVES.finditer(code)][:1]
    heads = list(itertools.islice(re.finditer(_HEADS[language], code), MOST_LOOPS + 1))
    if len(heads) > MOST_LOOPS or code.count("setInterval") > MOST_LOOPS:
        raise Unparsable(f"{path}: it has more than {MOST_LOOPS} loops")
    loops = [_classify(head, code, text, path, language) for head in heads]
    if language == "node":
        loops += [*_timers(code, text, path), *read_node_schedules(code, text, path)]
    judged = weigh([one for one in loops if one is not None], serving, "fork" in code or "spawn(" in code)
    return judged._replace(confidence=INFERRED)


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _without_comments(text: str, language: str) -> str:
    if language == "perl":
        text = _POD.sub(_blank, text)
    kept: list[str] = []
    # A comment sign in a string is none.
    masked = _STRING.sub(lambda match: match[0][0] + "x" * (len(match[0]) - 2) + match[0][-1], text)
    last = 0
    for match in re.compile(
        _LINE_COMMENT[language], re.DOTALL if "*" in _LINE_COMMENT[language] and language in ("node", "php") else 0
    ).finditer(masked if language not in ("node", "php") else re.sub(r"(?m)(^|[\s;{}])//.*$", _blank, masked)):
        kept += [text[last : match.start()], _blank(match)]
        last = match.end()
    kept.append(text[last:])
    found = "".join(kept)
    return re.sub(r"(?m)(^|[\s;{}])//[^\n]*$", _blank, found) if language in ("node", "php") else found


def _block(code: str, begin: int, language: str) -> tuple[int, int]:
    """Where the body of a loop begins and ends: by brackets, in Ruby by how far lines are set in."""
    if language == "ruby":
        line = code.rfind("\n", 0, begin + 1) + 1
        while line < len(code) and code[line] == "\n":
            line += 1
        indent = len(code[line:]) - len(code[line:].lstrip(" \t"))
        end = re.compile(rf"(?m)^[ \t]{{0,{indent}}}(?:end\b|\}})").search(code, code.find("\n", line) + 1 or len(code))
        return begin, end.start() if end else len(code)
    opened = code.find("{", begin)
    depth, index = 0, opened
    masked = _STRING.sub(_blank, code[opened:])
    for offset, sign in enumerate(masked):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if depth == 0:
            index = opened + offset
            return opened + 1, index
    return opened + 1, len(code)


def _classify(head: re.Match[str], code: str, text: str, path: str, language: str) -> Loop | None:
    begin, end = _block(code, head.end() - 1 if language != "ruby" else head.start(), language)
    body = code[begin:end]
    first, last = code.count("\n", 0, head.start()) + 1, code.count("\n", 0, end) + 1
    first += head[0].startswith("\n")
    if head[0].lstrip().startswith("do") and language == "php" and not re.match(r"\}\s*while\s*\(\s*(?:1|true)", code[end : end + 40]):
        return None
    waits = list(re.finditer(_SLEEP[language], body if "sleep" not in head[0] else head[0] + body))
    seconds = max((one for one in (_seconds(match[1], code, language) for match in waits) if one is not None), default=None)
    interval = Interval(seconds, waits[0][0].strip()[:80] if waits else "", False)
    kind, why = _kind(body, head[0], waits, seconds)
    line = text.split("\n")[first - 1].strip()[:120]
    work = tuple(dict.fromkeys(re.findall(r"\b([A-Za-z_][\w:.>-]*)\s*\(", body)))[:6]
    return Loop(kind, path, first, last, line, interval, work, why, (min(first + 1, last), max(first, last - 1)), confidence=INFERRED)


def _kind(body: str, head: str, waits: list[re.Match[str]], seconds: float | None) -> tuple[str, str]:
    if _SERVES.search(body):
        return "events", "it waits for others"
    if not waits:
        return "busy", "it never waits for time"
    rest = re.sub(r"\s|;|[{}()]", "", re.sub(r"\b(?:await\s+)?(?:Time::HiRes::)?sleep\b[^;\n]*", "", body))
    if not rest:
        return "keepalive", "a round does nothing but wait"
    if re.search(r"(?m)^\s*(?:last|break|return|exit)\b(?!.*\b(?:stop|quit|exit|shut|term|once)\w*)", body) and "sleep" not in head:
        return "waiting", "it may end when its work says so"
    if signs.CONTROL.search(body):
        return "control", "it controls something that must be controlled all the time"
    if mending.HEALTH.search(body) and mending.MENDS.search(body):
        return "repair", "it looks whether something is well and mends it"
    if re.search(r"\b(?:if|unless|catch|rescue|else)\b[^\n]*\n?[^\n]*$", body[: waits[-1].start()][-80:]) and re.search(
        r"(?s)\b(if|unless|catch|rescue)\b[^{}]*\{?[^{}]*$", body[: waits[-1].start()][-80:]
    ):
        return "idle", "it may wait only under a condition"
    if signs.QUEUE.search(body):
        return "idle", "it takes work from a queue"
    if seconds is not None and seconds < SHORTEST:
        return "ticker", f"its period of {seconds:g} s is too short to tell a job from a ticker"
    return "job", "it does its work, waits, and does it again"


def _seconds(text: str, code: str, language: str, depth: int = 3) -> float | None:
    """A number, a product of numbers, or a name that is given one somewhere."""
    plain = text.strip().replace("_", "") if re.match(r"[\d_ *+.]+$", text.strip()) else text.strip()
    if re.fullmatch(r"[\d.]+(?:\s*\*\s*[\d.]+)*", plain):
        total = 1.0
        for number in plain.split("*"):
            total *= float(number)
        return total / 1000 if language in _MILLI else total
    minutes = re.match(r"(\d+)\.(minute|hour|second)s?", plain)
    if minutes:
        return float(minutes[1]) * {"second": 1, "minute": 60, "hour": 3600}[minutes[2]]
    name = re.match(r"[$@]?([A-Za-z_]\w*)$", plain)
    if name and depth:
        for value in re.findall(rf"{name[1]}\b['\"]?\s*(?:=>?|\|\|=|//=|,|:)\s*(?:[^;\n]*?(?:\|\||\?\?|//|\?:|or)\s*)?([\d_.* ]+)", code):
            known = _seconds(value, code, language, depth - 1)
            if known:
                return known
    return None


def _timers(code: str, text: str, path: str) -> list[Loop]:
    """``setInterval(work, 300000)``."""
    found = []
    for match in re.finditer(r"\bsetInterval\s*\(", code):
        depth, end = 0, match.end() - 1
        for offset, sign in enumerate(_STRING.sub(_blank, code[match.end() - 1 :])):
            depth += {"(": 1, ")": -1}.get(sign, 0)
            if depth == 0:
                end = match.end() - 1 + offset
                break
        inner = code[match.end() : end]
        seconds = _seconds(inner.rpartition(",")[2], code, "node")
        line = code.count("\n", 0, match.start()) + 1
        kind = "job" if seconds is None or seconds >= SHORTEST else "ticker"
        interval = Interval(seconds, f"setInterval(..., {inner.rpartition(',')[2].strip()[:40]})", False)
        work = tuple(dict.fromkeys(re.findall(r"\b([A-Za-z_][\w.]*)", inner)))[:3]
        found.append(
            Loop(
                kind,
                path,
                line,
                code.count("\n", 0, end) + 1,
                text.split("\n")[line - 1].strip()[:120],
                interval,
                work,
                "a timer repeats its work",
                (line, line),
                confidence=INFERRED,
                shape="timer",
            )
        )
    return found
