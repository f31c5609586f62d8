"""Columns whose type the spec leaves to the database."""

from __future__ import annotations

from collections.abc import Mapping

from tools.spec.model import Spec
from tools.spec.transform import Model, OutputColumn

_MAX_DEPTH = 50


def untyped(
    spec: Spec, model: Model, others: Mapping[str, Spec], depth: int = 0
) -> tuple[str, ...]:
    """The output columns that are computed and that no type is declared for.

    Their values are what the expressions give; which number type holds them is not said.
    """
    found = [m.name for m in model.aggregations if m.type is None]
    found += [
        c.name
        for c in model.columns
        if c.type is None and (c.expr or _comes_untyped(spec, model, c, others, depth))
    ]
    if not model.columns and not model.is_aggregate:
        found += _below(spec, model.from_, others, depth)
    return tuple(found)


def _comes_untyped(
    spec: Spec, model: Model, output: OutputColumn, others: Mapping[str, Spec], depth: int
) -> bool:
    alias, _, name = (output.from_ or output.name).rpartition(".")
    join = next((j for j in model.joins if j.alias.lower() == alias.lower()), None)
    measures = [*(join.aggregate.columns if join and join.aggregate else []), *model.aggregations]
    measure = next((m for m in measures if m.name.lower() == name.lower()), None)
    if measure is not None:
        return measure.type is None
    reference = join.to if join else model.from_
    return name.lower() in {n.lower() for n in _below(spec, reference, others, depth)}


def _below(spec: Spec, reference: str, others: Mapping[str, Spec], depth: int) -> tuple[str, ...]:
    owner = spec if spec.model_named(reference) else others.get(reference)
    model = owner.model_named(reference) if owner else None
    if owner is None or model is None or depth > _MAX_DEPTH:
        return ()
    return untyped(owner, model, others, depth + 1)
