"""What a model sees of the tools, and what is refused before a tool runs."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest

from tests.golden import check
from tools import catalog as module
from tools.catalog import catalog
from tools.desk import Desk
from tools.errors import InternalError
from tools.workflow import load_workflows
from tools.workflow_steps import TOOL_NAMES
from tools.workspace import shipped


def test_the_workflows_know_the_tools_that_there_are() -> None:
    assert set(catalog()) == TOOL_NAMES


def test_every_tool_of_a_shipped_workflow_is_there() -> None:
    for workflow in load_workflows(shipped("workflows")).values():
        assert set(workflow.allowed_tools) <= set(catalog()), workflow.path


@pytest.mark.parametrize("name", sorted(TOOL_NAMES))
def test_a_definition_is_a_schema_that_allows_nothing_else(name: str) -> None:
    schema = catalog()[name].definition()["input_schema"]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert all(part.get("description") for part in schema["properties"].values())
    assert "title" not in json.dumps(schema)


def test_the_definitions_are_what_was_agreed() -> None:
    """A change of a definition empties every cache: it is meant, or it is not made."""
    text = json.dumps([t.definition() for t in catalog().values()], indent=1, ensure_ascii=False)
    check(Path(__file__).parent / "cases" / "catalog", {"tools.json": text + "\n"})


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("read_file", {}, "path is missing"),
    ("read_file", {"path": "a", "ofset": 3}, "ofset is not known (did you mean 'offset'?)"),
    ("read_file", {"path": "a", "offset": "3"}, "offset should be a valid integer, not '3'"),
    ("read_file", {"path": "a", "offset": 0}, "offset should be greater than or equal to 1"),
    ("read_file", {"path": 3}, "path should be a valid string, not 3"),
    ("read_file", {"path": "a", "offset": True}, "offset should be a valid integer"),
    ("dbt", {"command": "deps"}, "command should be 'compile', 'build'"),
    ("commit", {"message": "x", "paths": "a"}, "paths should be a valid list, not 'a'"),
    ("commit", {"message": "x", "paths": ["a", 3]}, "paths.1 should be a valid string"),
    ("write_file", {"path": "a", "content": ["x" * 200]}, "..."),
]


@pytest.mark.parametrize(("name", "given", "said"), WRONG)
def test_input_that_does_not_fit_is_said_to_the_model(
    name: str, given: dict[str, Any], said: str
) -> None:
    why = catalog()[name].malformed(given)
    assert why.startswith(f"the input of {name} does not fit its schema: ")
    assert said in why
    schema = catalog()[name].schema
    assert not jsonschema.Draft202012Validator(schema).is_valid(given)


def test_input_that_fits_is_taken() -> None:
    assert catalog()["read_file"].malformed({"path": "a", "limit": 2}) == ""
    given = {"path": "a", "action": "set", "at": "x", "value": {"a": [1, None, "b"]}}
    assert catalog()["edit_spec"].malformed(given) == ""


def tool_module(**parts: Any) -> ModuleType:
    made = ModuleType("tools.calls.made")
    for name, value in parts.items():
        setattr(made, name, value)
    return made


def undocumented(desk: Desk, path: str) -> str:
    """Does something.

    Args:
        paht: The file.
    """
    return path


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({}, "lacks EFFECT"),
        ({"EFFECT": "read"}, "documented function made"),
        ({"EFFECT": "fly", "made": undocumented}, "lacks EFFECT"),
        ({"EFFECT": "read", "made": undocumented}, "describe its arguments"),
    ],
)
def test_a_module_that_is_no_tool_is_a_bug(parts: dict[str, Any], said: str) -> None:
    with pytest.raises(InternalError, match=said):
        module._tool("made", tool_module(**parts))
