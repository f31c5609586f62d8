"""Shell text is read by its grammar; what cannot be told for sure is said to be unclear."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.cases import each
from tools.commands import parse


@each(Path(__file__).parent / "cases" / "commands.yaml")
def test_commands(case: dict[str, Any]) -> None:
    found = parse(case["text"])
    if "words" in case:
        assert [list(command.words) for command in found.commands] == case["words"]
    if "assigned" in case:
        assert list(found.commands[0].assigned) == case["assigned"]
    assert found.writes == case.get("writes", [])
    assert found.reads == case.get("reads", [])
    if "unclear" in case:
        assert case["unclear"] in found.unclear
    else:
        assert found.unclear == ""


@given(st.text(alphabet="abg it$`'\"\\(){}[]<>&|;#*!=~-\n", max_size=40))
def test_any_text_is_read_or_said_to_be_unclear(text: str) -> None:
    found = parse(text)
    assert all(command.words for command in found.commands)
    # Nothing that stands there is passed over in silence: a rule decides on what was understood.
    said = {word for command in found.commands for word in (*command.words, *command.assigned)}
    said |= {*found.writes, *found.reads}
    words = re.findall(r"\b(?:git|bat|tag)\b", text.partition("#")[0])
    assert found.unclear or all(any(word in one for one in said) for word in words)


NESTS = (
    "bash -c {}",
    "sh -c {}",
    "env A=1 sh -ec {}",
    "eval {}",
    "echo $( {inner} )",
    "( {inner} )",
)


@given(st.lists(st.sampled_from(NESTS), max_size=4))
def test_a_command_is_found_however_deep_it_is_nested(nests: list[str]) -> None:
    text = "git reset --hard"
    for nest in nests:
        quoted = "'" + text.replace("'", "'\\''") + "'"
        text = nest.format(quoted, inner=text) if "inner" in nest else nest.format(quoted)
    assert ("git", "reset", "--hard") in [command.words for command in parse(text).commands]


def test_too_deep_a_nest_is_unclear() -> None:
    text = "ls"
    for _ in range(12):
        text = "bash -c '" + text.replace("'", "'\\''") + "'"
    found = parse(text)
    assert "too" in found.unclear


def test_a_very_long_text_is_unclear() -> None:
    assert parse("echo " + "x" * 30_000).unclear
