from __future__ import annotations

from typing import Any

import pytest

from agent.slash import COMMANDS, Leave, Program, ShowCall, Text, help_text, parse
from tools.errors import UsageError

WANTED = (
    "help plan check run verify diff undo redo cost context compact model mode resume export quit"
)


class Acts:
    """Says what it is asked."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **named: " ".join(
            [name, *args, *(f"{k}={v}" for k, v in named.items())]
        )


def test_the_help_is_the_table() -> None:
    lines = help_text().splitlines()
    assert set(WANTED.split()) <= set(COMMANDS)
    for name, command in COMMANDS.items():
        (line,) = [line for line in lines if line.split()[:1] == [f"/{name}"]]
        assert line.endswith(command.help)
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("/plan specs/a.yaml", Program(("plan", "specs/a.yaml"))),
        ("/check", Program(("check",))),
        ("/run a.yaml --dry-run", Program(("run", "a.yaml", "--dry-run"))),
        ("/verify 'a b.yaml'", Program(("verify", "a b.yaml"))),
        ("/diff", Text("diff last=False", is_diff=True)),
        ("/diff last", Text("diff last=True", is_diff=True)),
        ("/undo", Text("undo force=False")),
        ("/undo force", Text("undo force=True")),
        ("/redo", Text("redo force=False")),
        ("/cost", Text("cost")),
        ("/context", Text("context")),
        ("/compact", Text("compact")),
        ("/model", Text("set_model ")),
        ("/model claude-x", Text("set_model claude-x")),
        ("/mode plan", Text("set_mode plan")),
        ("/show", ShowCall("")),
        ("/show 3", ShowCall("3")),
        ("/resume", Text("sessions")),
        ("/resume 0102", Leave("find_session 0102")),
        ("/export", Text("export ")),
        ("/export x.md", Text("export x.md")),
        ("/quit", Leave()),
    ],
)  # fmt: skip
def test_commands(line: str, outcome: object) -> None:
    command, args = parse(line)
    assert command.act(Acts(), args) == outcome


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("/", "no command /"),
        ("/undoo", "no command /undoo"),
        ("/plan", "does not take that"),
        ("/run", "does not take that"),
        ("/cost much", "does not take that"),
        ("/undo a b", "does not take that"),
        ("/plan 'a", "no closing quotation"),
    ],
)
def test_what_is_wrong_is_said(line: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse(line)


def test_a_flag_that_is_not_known() -> None:
    command, args = parse("/undo everything")
    with pytest.raises(UsageError, match="everything is not known"):
        command.act(Acts(), args)
