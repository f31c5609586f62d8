"""What one model is written from: when its digest changes, an authored file is written again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from tools.spec.model import Spec
from tools.spec.scope import NO_OTHERS, outputs
from tools.spec.transform import Model
from tools.sql.parse import SqlError


def part_digest(spec: Spec, model: Model, others: Mapping[str, Spec] = NO_OTHERS) -> str:
    """The sha256 of a model's part of the spec and of the shape of what it reads.

    Args:
        spec: whose model it is.
        model: the model.
        others: models of other specs by name.
    """
    references = (model.from_, *(join.to for join in model.joins))
    return digest(
        {
            "dialect": spec.dialect,
            "model": model.model_dump(mode="json", by_alias=True),
            "reads": {reference: _shape(spec, reference, others) for reference in references},
        }
    )


def digest(value: Any) -> str:
    """The sha256 of a JSON value in its canonical form."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _shape(spec: Spec, reference: str, others: Mapping[str, Spec]) -> Sequence[Any]:
    """Names and types of what a reference gives; empty when nobody knows them."""
    found = spec.source_table(reference)
    if found is not None:
        return [[column.name, column.type, column.nullable] for column in found[1].columns]
    home = spec if spec.model_named(reference) else others.get(reference, spec)
    model = home.model_named(reference)
    try:
        return [[c.name, c.type] for c in outputs(home, model, others)] if model else []
    except SqlError:
        return []
