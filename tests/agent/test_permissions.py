"""Rules and modes decide on parsed input; deny before ask before allow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.permissions import Permissions
from agent.talk import ToolCall
from tests.cases import each
from tools.catalog import catalog
from tools.errors import UsageError
from tools.workflow_steps import matches_any


def call_of(spec: dict[str, Any]) -> ToolCall:
    ((name, given),) = spec.items()
    return ToolCall("1", name, given)


@each(Path(__file__).parent / "cases" / "permissions.yaml")
def test_permissions(case: dict[str, Any], tmp_path: Path) -> None:
    globs = tuple(case.get("protects", ()))
    rights = Permissions(
        case["mode"],
        allow=case.get("allow", ()),
        ask=case.get("ask", ()),
        deny=case.get("deny", ()),
        root=tmp_path,
        protects=lambda path: "it is protected" if matches_any(path, globs) else "",
    )
    call = call_of(case["call"])
    tool = catalog()[call.name]
    assert tool.malformed(call.input) == ""
    verdict = rights.verdict(call, tool)
    assert verdict.answer == case["answer"]
    assert case.get("why", "") in verdict.why
    if "rule" in case:
        assert verdict.rule == case["rule"]


@pytest.mark.parametrize(
    "rule", ["", "shell()", "shell", "dbt(", "read file", "shell('x)", "a(b)c"]
)
def test_a_rule_is_written_as_a_rule_is(rule: str) -> None:
    if rule == "shell":
        Permissions(allow=[rule], root=Path("/tree"))
        return
    with pytest.raises(UsageError, match="permission rule"):
        Permissions(allow=[rule], root=Path("/tree"))


def test_a_rule_about_no_tool_is_refused() -> None:
    rights = Permissions(deny=["writ(models/**)"], root=Path("/tree"))
    with pytest.raises(UsageError) as caught:
        rights.expect_known(catalog())
    assert "did you mean 'write'" in caught.value.remedy


ALWAYS = [
    ({"dbt": {"command": "build"}}, "dbt", {"dbt": {"command": "test"}}),
    ({"shell": {"command": "ls -l a"}}, "shell(ls -l a)", None),
    ({"shell": {"command": "ls 'a b' models/*.sql"}}, "shell(ls 'a b' 'models/[*].sql')", None),
    ({"shell": {"command": "A=1 ls"}}, "shell(A=1 ls)", None),
]


@pytest.mark.parametrize(("given", "rule", "also"), ALWAYS)
def test_always_allows_the_same_call_from_then_on(
    given: dict[str, Any], rule: str, also: dict[str, Any] | None
) -> None:
    rights = Permissions("ask", root=Path("/tree"))
    call = call_of(given)
    tool = catalog()[call.name]
    assert rights.verdict(call, tool).answer == "ask"
    assert rights.rule_for(call, tool) == rule
    rights.always(call, tool)
    assert rights.verdict(call, tool).answer == "allow"
    if also:
        assert rights.verdict(call_of(also), tool).answer == "allow"


@pytest.mark.parametrize("text", ["ls $X", "ls; rm x", "ls $(pwd)"])
def test_what_is_unclear_or_several_commands_is_asked_each_time(text: str) -> None:
    rights = Permissions("ask", root=Path("/tree"))
    call = ToolCall("1", "shell", {"command": text})
    assert rights.rule_for(call, catalog()["shell"]) == ""
    rights.always(call, catalog()["shell"])
    assert rights.verdict(call, catalog()["shell"]).answer == "ask"


def test_an_exact_rule_does_not_cover_a_longer_command() -> None:
    rights = Permissions("ask", root=Path("/tree"))
    tool = catalog()["shell"]
    rights.always(ToolCall("1", "shell", {"command": "cat a*"}), tool)
    assert rights.verdict(ToolCall("2", "shell", {"command": "cat a b"}), tool).answer == "ask"


def test_a_denied_read_is_hidden_from_searches_too() -> None:
    rights = Permissions("auto", deny=["read(data/**)"], root=Path("/tree"))
    assert "data" in rights.hides("data/x.csv")
    assert rights.hides("models/x.sql") == ""
