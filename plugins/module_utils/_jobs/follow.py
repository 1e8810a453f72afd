# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""From ``ExecStart=`` to what really runs: through wrappers, shells, interpreters, modules and entry points."""

from __future__ import annotations

import posixpath
import re
import typing as t

from .._containers.command_line import SHELLS, count_wrapping
from .model import Program

_DEPTH = 8
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*(?:-dbg)?$")
_INTERPRETERS = {"perl": "perl", "ruby": "ruby", "node": "node", "nodejs": "node", "php": "php", "deno": "node", "bun": "node"}
_SUFFIXES = {".py": "python", ".sh": "shell", ".bash": "shell", ".pl": "perl", ".rb": "ruby", ".js": "node", ".mjs": "node", ".php": "php"}
_SHELL_VERSIONS = re.compile(r"(?:rbash|mksh|lksh|ksh93|busybox|bashio)$")
# Options of python(1) that take a value.
_PYTHON_VALUED = ("-W", "-X", "--check-hash-based-pycs")
# What else stands before a program: options that take a value, and how many words of its own follow (their manual pages).
_WRAPPERS: dict[str, tuple[tuple[str, ...], int]] = {
    "authbind": ((), 0),
    "catchsegv": ((), 0),
    "cgexec": (("-g",), 0),
    "chpst": (("-u", "-U", "-b", "-/", "-e", "-n", "-l", "-L", "-m"), 0),
    "chroot": ((), 1),
    "chrt": (("-T", "-P", "-D"), 1),
    "cpulimit": (("-l", "-e", "-p", "--limit"), 0),
    "daemonize": (("-c", "-e", "-o", "-p", "-l", "-u", "-E"), 0),
    "dbus-launch": ((), 0),
    "dbus-run-session": (("--config-file",), 0),
    "doas": (("-u", "-C"), 0),
    "faketime": (("-f",), 1),
    "firejail": ((), 0),
    "flock": (("-w", "--timeout", "-E", "--conflict-exit-code"), 1),
    "nocache": ((), 0),
    "numactl": (("-N", "-m", "-C"), 0),
    "prlimit": ((), 0),
    "runuser": (("-u", "-g", "-G", "-s"), 0),
    "setarch": ((), 1),
    "setpriv": (("--reuid", "--regid", "--groups", "--inh-caps", "--bounding-set", "--ambient-caps"), 0),
    "softlimit": (("-m", "-a", "-c", "-d", "-f", "-l", "-n", "-o", "-r", "-s", "-t"), 0),
    "strace": (("-o", "-e", "-p"), 0),
    "systemd-inhibit": (("--what", "--who", "--why", "--mode"), 0),
    "systemd-run": (("-p", "-u", "--unit", "--property"), 0),
    "taskset": ((), 1),
    "trickle": (("-u", "-d"), 0),
    "unbuffer": (("-p",), 0),
    "unshare": ((), 0),
    "xvfb-run": (("-n", "-s", "-e", "-f", "-w"), 0),
    "nsenter": (("-t",), 0),
    "schedtool": (("-n", "-M", "-a"), 0),
    "logsave": ((), 1),
    "proxychains4": (("-f",), 0),
    "torsocks": ((), 0),
    "wait-for-it": ((), 1),
    "tini-static": ((), 0),
    "multilog": ((), 0),
    "with-contenv": ((), 0),
    "s6-setuidgid": ((), 1),
    "runcon": ((), 1),
    "envdir": ((), 1),
    "setuidgid": ((), 1),
}
_RUNNERS = {
    "poetry": ("run",),
    "pipenv": ("run",),
    "uv": ("run",),
    "pdm": ("run",),
    "hatch": ("run",),
    "rye": ("run",),
    "bundle": ("exec",),
    "ip": ("netns", "exec"),
}


class Text(t.NamedTuple):
    """What a file holds: ``text`` is None for a binary or where it could not be read, ``problem`` then says why."""

    text: str | None
    kind: str  # script, binary, missing, unread
    problem: str = ""


class Files(t.Protocol):
    """The files of a host, or those that a repository brings."""

    def read(self, path: str) -> Text: ...

    def names(self, folder: str) -> t.Sequence[str]: ...

    def find(self, program: str) -> str: ...


class Context(t.NamedTuple):
    """What a command line is started with. ``folder`` is its working directory."""

    files: Files
    environment: t.Mapping[str, str | None]
    folder: str = "/"


def follow(argv: t.Sequence[str], context: Context) -> Program:
    """The program that a command line runs. Never raises: what cannot be followed has no text and says why."""
    return _follow(tuple(argv), context, (), _DEPTH)


def unwrap(argv: t.Sequence[str]) -> tuple[str, ...]:
    """A command line without what only starts another program (``env``, ``nice``, ``flock``, ``timeout`` ...)."""
    words = tuple(argv)
    for _step in range(_DEPTH):
        shorter = _unwrap_once(words)
        if shorter == words or not shorter:
            return shorter
        words = shorter
    return words


class NoFiles:
    """The files of a container's image: the host does not have them."""

    def read(self, path: str) -> Text:
        return Text(None, "missing", f"{path} is in the image of a container, which is not read")

    def names(self, folder: str) -> t.Sequence[str]:
        del folder
        return ()

    def find(self, program: str) -> str:
        del program
        return ""


def command_in_container(words: t.Sequence[str]) -> tuple[str, ...]:
    """The script that ``docker run ... IMAGE sh -c 'script'`` hands to a shell; empty where none is named. A quadlet's
    ``Exec=`` stands like this in the service that Podman's generator makes of it."""
    if not words or posixpath.basename(words[0]) not in ("docker", "podman") or "run" not in words:
        return ()
    for index in range(words.index("run") + 1, len(words) - 2):
        if posixpath.basename(words[index].removeprefix("--entrypoint=")) in SHELLS:
            at = next((other for other in range(index + 1, len(words) - 1) if re.match(r"-[a-zA-Z]*c$", words[other])), None)
            if at is not None:
                return ("sh", "-c", *words[at + 1 :])
    return ()


def _unwrap_once(words: tuple[str, ...]) -> tuple[str, ...]:
    words = words[count_wrapping(words) :]
    if not words:
        return words
    name = posixpath.basename(words[0])
    if name == "env":
        return words
    script = _script_of_wrapper(name, words)
    if script is not None:
        return ("/bin/sh", "-c", script)
    if name in _WRAPPERS:
        return _after_wrapper(words, *_WRAPPERS[name])
    verbs = _RUNNERS.get(name)
    if verbs is not None:
        rest = [index for index, word in enumerate(words) if word == verbs[-1]]
        if rest:
            after = words[rest[0] + 1 + (name == "ip") :]
            while after and after[0].startswith("-"):
                after = after[1:]
            return after
    return words


def _script_of_wrapper(name: str, words: tuple[str, ...]) -> str | None:
    """``flock FILE -c 'script'``, ``su - user -c 'script'``, ``runuser -l user -c 'script'``, ``script -qc 'script'``."""
    if name not in ("flock", "su", "runuser", "script"):
        return None
    for index, word in enumerate(words[:-1]):
        if index and not word.startswith("-") and name == "flock" and not words[index + 1].startswith("-"):
            return None  # behind the lock's file stands a program
        if word == "--" or (index > 3 and name == "flock"):
            return None
        if re.match(r"-[a-z]*c$|--command$", word):
            return words[index + 1]
        if word.startswith("--command="):
            return word[len("--command=") :]
    return None


def _after_wrapper(words: tuple[str, ...], valued: tuple[str, ...], own: int) -> tuple[str, ...]:
    index = 1
    while index < len(words) and words[index].startswith("-"):
        if words[index] == "--":
            index += 1
            break
        index += 2 if words[index] in valued else 1
    return words[index + own :]


def _follow(argv: tuple[str, ...], context: Context, through: tuple[str, ...], depth: int) -> Program:
    words = unwrap(argv)
    if not words or not words[0]:
        return Program("", "unknown", None, (), through, "there is no command")
    way = (*through, " ".join(argv)[:200])
    if not depth:
        return Program(words[0], "unknown", None, words[1:], way, "too many programs start one another")
    name = posixpath.basename(words[0]).lstrip("-")
    if name == "busybox" and len(words) > 1:
        return _follow(words[1:], context, way, depth - 1)
    if name in SHELLS or _SHELL_VERSIONS.match(name):
        return _shell(words, context, way)
    if _PYTHON.match(name):
        return _python(words, context, way)
    if name in _INTERPRETERS:
        return _interpreted(words, _INTERPRETERS[name], context, way)
    return _file(words[0], words[1:], context, way, depth)


def _shell(words: tuple[str, ...], context: Context, way: tuple[str, ...]) -> Program:
    index = 1
    while index < len(words) and words[index].startswith(("-", "+")) and words[index] != "--":
        if re.match(r"-[a-zA-Z]*c", words[index]):
            index += 1
            while index < len(words) and words[index].startswith("-") and words[index] != "--":
                index += 1
            text = words[index] if index < len(words) else ""
            # The word behind the script is $0.
            return Program("", "shell", text, words[index + 2 :], way, interpreter=words[0])
        index += 2 if words[index] in ("-o", "+o", "--rcfile", "--init-file", "-O") else 1
    index += words[index : index + 1] == ("--",)
    if index >= len(words):
        return Program(words[0], "shell", None, (), way, "it reads its commands from its input")
    return _text_program(words[index], "shell", words[index + 1 :], context, way, words[0])


def _python(words: tuple[str, ...], context: Context, way: tuple[str, ...]) -> Program:
    index = 1
    while index < len(words) and words[index].startswith("-") and words[index] != "-":
        word = words[index]
        if re.match(r"-[a-zA-Z]*c$", word) and word != "--check-hash-based-pycs":
            return Program("", "python", words[index + 1] if index + 1 < len(words) else "", words[index + 2 :], way, interpreter=words[0])
        if re.match(r"-[a-zA-Z]*m$", word):
            return _module(words[index + 1 :], words[0], context, way)
        index += 2 if word in _PYTHON_VALUED else 1
    if index >= len(words):
        return Program(words[0], "python", None, (), way, "it reads its program from its input")
    path = words[index]
    if "/" not in path and not path.endswith(".py"):
        found = context.files.read(posixpath.join(context.folder, path))
        path = path if found.text is not None else (context.files.find(path) or path)
    return _text_program(path, "python", words[index + 1 :], context, way, words[0])


def _module(rest: tuple[str, ...], interpreter: str, context: Context, way: tuple[str, ...]) -> Program:
    if not rest:
        return Program(interpreter, "python", None, (), way, "-m names no module")
    folders = [context.folder, *(context.environment.get("PYTHONPATH") or "").split(":"), *site_folders(interpreter, context.files)]
    for folder in folders:
        if not folder:
            continue
        base = posixpath.join(folder, rest[0].replace(".", "/"))
        for path in (f"{base}.py", f"{base}/__main__.py"):
            found = context.files.read(path)
            if found.text is not None:
                return Program(path, "python", found.text, rest[1:], (*way, path), interpreter=interpreter)
    return Program(
        "", "python", None, rest[1:], way, f"the module {rest[0]} was not found where {interpreter} looks", interpreter=interpreter
    )


def site_folders(interpreter: str, files: Files) -> list[str]:
    """Where an interpreter finds installed modules: those of its virtual environment, or the system's."""
    path = interpreter if interpreter.startswith("/") else files.find(interpreter)
    prefix = posixpath.dirname(posixpath.dirname(path)) if path else "/usr"
    found = []
    roots = [prefix] if prefix not in ("/usr", "/", "") else ["/usr/local", "/usr"]
    for root in roots:
        for name in sorted((one for one in files.names(f"{root}/lib") if re.match(r"python3", one)), reverse=True):
            found += [f"{root}/lib/{name}/{kind}" for kind in ("site-packages", "dist-packages")]
    for folder in list(found):
        for name in files.names(folder):
            if name.endswith(".pth"):
                text = files.read(f"{folder}/{name}").text or ""
                found += [line.strip() for line in text.splitlines() if line.startswith("/")]
    return found


def _interpreted(words: tuple[str, ...], language: str, context: Context, way: tuple[str, ...]) -> Program:
    index = 1
    while index < len(words) and words[index].startswith("-"):
        if words[index] in ("-e", "-r", "--eval") and language in ("perl", "ruby", "node", "php"):
            return Program("", language, words[index + 1] if index + 1 < len(words) else "", words[index + 2 :], way, interpreter=words[0])
        if words[index] == "-f" and language == "php":
            index += 1
            break
        index += 2 if words[index] in ("-I", "-r", "--require", "-d", "-c", "-M") and "=" not in words[index] else 1
    index += words[index : index + 1] == ("run",) and language == "node"
    if index >= len(words):
        return Program(words[0], language, None, (), way, "it reads its program from its input")
    return _text_program(words[index], language, words[index + 1 :], context, way, words[0])


def _absolute(path: str, context: Context) -> str:
    return posixpath.normpath(path if path.startswith("/") else posixpath.join(context.folder or "/", path))


def _text_program(path: str, language: str, argv: tuple[str, ...], context: Context, way: tuple[str, ...], interpreter: str) -> Program:
    where = _absolute(path, context)
    found = context.files.read(where)
    if found.text is None and language == "node" and not posixpath.splitext(where)[1]:
        for other in (f"{where}.js", f"{where}/index.js"):
            if context.files.read(other).text is not None:
                where, found = other, context.files.read(other)
                break
    if found.text is None and language == "python" and found.kind != "unread":
        other = f"{where}/__main__.py"
        if context.files.read(other).text is not None:
            where, found = other, context.files.read(other)
    return Program(where, language, found.text, argv, (*way, where), found.problem, interpreter=interpreter)


def _file(path: str, argv: tuple[str, ...], context: Context, way: tuple[str, ...], depth: int) -> Program:
    where = _absolute(path, context) if "/" in path else context.files.find(path) or path
    found = context.files.read(where)
    if found.kind == "binary":
        return Program(where, "binary", None, argv, way, "a compiled program tells nothing of its loops")
    if found.text is None:
        return Program(where, "unknown", None, argv, way, found.problem or f"{where} was not found")
    first = found.text.split("\n", 1)[0]
    words = _shebang(first)
    if words:
        return _follow((*words, where, *argv), context, way, depth - 1)
    language = _SUFFIXES.get(posixpath.splitext(where)[1])
    if language is None:
        return Program(where, "unknown", None, argv, way, "its first line names no interpreter")
    return Program(where, language, found.text, argv, (*way, where))


def _shebang(line: str) -> tuple[str, ...]:
    if not line.startswith("#!"):
        return ()
    words = line[2:].strip().split()
    if words and posixpath.basename(words[0]) == "env":
        words = [word for word in words[1:] if word not in ("-S", "-") and "=" not in word]
        words = [word.removeprefix("-S") for word in words]
    return tuple(words)
