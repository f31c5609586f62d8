import jsonschema
import pytest

from tools.rules.schema import constitution_schema


def test_what_the_schemas_accept() -> None:
    schemas = constitution_schema()
    rule = {"id": "A1.R1", "level": "MUST", "on": "model", "check": "naming", "with": {}}
    waiver = {"rule": "A1.R1", "path": "a", "reason": "b", "owner": "c", "expires": "2026-01-31"}
    for name, good in (
        ("rule", rule),
        ("gate", {"id": "A1.G1", "before": "commit", "message": "x"}),
        ("waivers", [waiver]),
        ("waivers", None),
    ):
        jsonschema.validate(good, schemas[name])
    for name, bad in (
        ("rule", {**rule, "chek": "naming"}),
        ("rule", {**rule, "on": "models"}),
        ("gate", {"id": "A1.G1", "before": "test", "message": "x"}),
        ("waivers", [{**waiver, "until": "x"}]),
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schemas[name])
