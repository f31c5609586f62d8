"""The JSON Schema of specs, for editors and for ``specmill schema``."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from tools.spec import base
from tools.spec.model import Spec

SCHEMA_ID = "https://example.invalid/specmill/spec.schema.json"
DRAFT = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """pydantic's schema, with what the model accepts before validation said as well."""

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> JsonSchemaValue:
        """A list of names may be written as one name."""
        described = super().function_before_schema(schema)
        if schema["function"]["function"] is base._listed and "items" in described:
            return {"anyOf": [described["items"], described]}
        return described


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a spec, by the keys that are written (``from``, ``as``)."""
    schema = Spec.model_json_schema(by_alias=True, schema_generator=_Generator)
    for part in (schema, *schema["$defs"].values()):
        _tidy(part)
    return {
        "$schema": DRAFT,
        "$id": SCHEMA_ID,
        **schema,
        "title": "specmill spec",
    }


def schema_text() -> str:
    """The JSON Schema as the file that is checked in."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _tidy(part: dict[str, Any]) -> None:
    """Titles that only repeat the key say nothing; descriptions keep no reST markup."""
    for described in (part, *part.get("properties", {}).values()):
        if isinstance(described.get("description"), str):
            described["description"] = described["description"].replace("``", "`")
    for key in part.get("properties", {}):
        part["properties"][key].pop("title", None)
