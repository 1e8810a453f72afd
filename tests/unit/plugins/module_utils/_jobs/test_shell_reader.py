# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_bash
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.guarded.deploy.plugins.module_utils._errors import Unparsable
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.shell_reader import read_script
from ansible_collections.guarded.deploy.plugins.module_utils._jobs.shell_tree import walk
from builders.jobs import read_cases

PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))
KINDS = {
    "while_statement": "loop",
    "for_statement": "for",
    "c_style_for_statement": "cfor",
    "if_statement": "if",
    "case_statement": "case",
    "function_definition": "function",
}
OURS = {"while": "loop", "until": "loop", "select": "for"}
CASES = Path(__file__).resolve().parents[4] / "cases/jobs"
SCRIPTS = [
    text
    for files in read_cases(CASES).values()
    for path, text in files.items()
    if path.endswith((".sh", ".bash")) or text.startswith(("#!/bin/sh", "#!/bin/bash", "#!/usr/bin/env bash", "#!/bin/dash"))
]
STRANGE = [
    "while sleep $((N - 1)).$RANDOM & wait $!; do x; done",
    "a() { b; }; function c { d; }; function e() ( f )\nfor ((i = 0; i < 3; i++)); do a; done",
    "case $x in a|b) one ;; (c) two ;& *) three ;; esac; if [[ $a =~ ^(x|y)$ && -n $b ]]; then c; fi",
    'cat <<\\EOF | while read -r l; do echo "$l"; done\n$(while not this; do x; done\n)\nEOF\nwhile true; do y; done',
    'x=$(while read a; do echo "${a:-`date`}"; done < <(ls)); until ! z; do w 2>&1 >/dev/null; done &',
    'arr=(a b $(c) "d e"); for x in "${arr[@]}"; do echo ${x//\\//-}; done',
    "while :; do { a; b; } || (c; d) && e; done; time -p f; ! g",
    "if ((a > b)); then echo $((1 << 2)); elif test 1; then :; else $(true); fi",
    "while\n  a\n  b # do\ndo\n  echo 'done'; echo \"fi\"\ndone < /dev/null",
    "f () { while true; do sleep 5s; done; } ; f &>/dev/null &",
    'foo() {\n\twhile getopts \'a:b\' o; do case "$o" in a) A=$OPTARG;; esac; done\n}\nfoo "$@"',
]


def theirs(text: str) -> list[tuple[str, int, int]] | None:
    """What the other reader finds: kinds with their first and last lines; None where it cannot read the text."""
    root = PARSER.parse(text.encode()).root_node
    if root.has_error:
        return None
    found, pending = [], [root]
    while pending:
        node = pending.pop()
        if node.is_named and node.type in KINDS:
            found.append((KINDS[node.type], node.start_point[0] + 1, node.end_point[0] + 1))
        pending += node.children
    return sorted(found)


def ours(text: str) -> list[tuple[str, int, int]]:
    wanted = set(KINDS.values())
    found = [(OURS.get(node.kind, node.kind), node.line, node.end) for node in walk(read_script(text), functions=True)]
    return sorted(one for one in found if one[0] in wanted)


@pytest.mark.feature("C1")
@pytest.mark.parametrize("text", [*SCRIPTS, *STRANGE])
def test_it_finds_what_another_reader_finds(text: str) -> None:
    expected = theirs(text)
    if expected is None:
        pytest.skip("the other reader cannot read it")
    assert ours(text) == expected


def test_the_other_reader_can_read_nearly_all() -> None:
    unread = [text for text in (*SCRIPTS, *STRANGE) if theirs(text) is None]
    assert len(unread) <= len(SCRIPTS) * 0.1, unread


@pytest.mark.parametrize(
    "text", ["while true; do x", "echo 'a", 'echo "a', "if a; then b", "case x in a) b", "$(", "x=(a", "`a", "foo() {", "[[ a", "done"]
)
def test_what_is_not_closed_names_its_place(text: str) -> None:
    with pytest.raises(Unparsable, match=r"^script:1: "):
        read_script(text)


def test_a_hostile_depth_is_refused() -> None:
    with pytest.raises(Unparsable, match="in one another"):
        read_script("$(" * 500)
    with pytest.raises(Unparsable, match="in one another"):
        read_script("(" * 500)


@given(st.text(alphabet="ab $`\"'(){}[];&|<>\n#\\=!dowhilenfx-", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        nodes = read_script(text)
    except Unparsable:
        return
    for node in walk(nodes, functions=True):
        assert 0 <= node.start <= node.stop <= len(text) + 2
        assert 1 <= node.line <= node.end <= text.count("\n") + 1


def test_words_lose_their_quotes_and_keep_their_expansions() -> None:
    (node,) = read_script("A=1 B='x y' /usr/bin/env \"$HOME\"'/z' $'q' > /dev/null 2>&1")
    assert node.assigned == 2
    assert node.argv == ("/usr/bin/env", "$HOME/z", "q")
    assert node.redirects == ((">", "/dev/null"), (">&", "1"))
