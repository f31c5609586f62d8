from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from tools.spec.model import Spec
from tools.spec.positions import read_document
from tools.spec.schema import json_schema, schema_text

ROOT = Path(__file__).parents[3]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_the_schema_that_is_checked_in_is_the_one_of_the_model():
    kept = (ROOT / "specs" / "spec.schema.json").read_text(encoding="utf-8")
    assert kept == schema_text(), "run 'specmill schema > specs/spec.schema.json'"


def test_there_are_specs_to_validate():
    assert SPECS


@pytest.mark.parametrize("file", SPECS, ids=lambda file: file.name)
def test_the_projects_own_specs_are_valid_and_name_their_schema(file: Path):
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=")
    VALIDATOR.validate(read_document(text, file.name).data)


def test_keys_are_those_that_are_written():
    parts = json_schema()["$defs"]
    assert "from" in parts["Model"]["properties"]
    assert "from_" not in parts["Model"]["properties"]
    assert "as" in parts["Join"]["properties"]
    assert json_schema()["$id"].endswith("spec.schema.json")


def test_every_part_is_described_and_closed():
    for name, part in json_schema()["$defs"].items():
        assert part["description"], name
        assert part["additionalProperties"] is False, name


@pytest.mark.parametrize(
    ("data", "valid"),
    [
        ({"pipeline": "a"}, True),
        ({"pipeline": "a", "models": [{"name": "m", "from": "s.t", "grain": "id"}]}, True),
        ({"pipeline": "a", "models": [{"name": "m", "from": "s.t", "grain": ["id"]}]}, True),
        ({"pipeline": "a", "models": [{"name": "m", "from": "s.t", "grain": 1}]}, False),
        ({"pipeline": "a", "modles": []}, False),
        ({"pipeline": "../a"}, False),
        ({"version": "1.0.0"}, False),
    ],
)
def test_the_schema_accepts_what_the_model_accepts(data: dict[str, object], valid: bool):
    assert VALIDATOR.is_valid(data) is valid
    try:
        Spec.model_validate(data)
        accepted = True
    except ValueError:
        accepted = False
    assert accepted is valid
