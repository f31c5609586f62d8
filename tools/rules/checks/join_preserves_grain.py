"""Every join keeps the declared grain.

Anti-pattern: orders joined to their items, then ``sum(order_total)``. An order with two items
counts twice, no test of the output's keys sees it after ``group by``, and the number looks right.

Best practice: bring the many side to one row a key before the join (``aggregate``, ``pick``), or
make the many side the grain. A declared ``many_to_one`` has to match the joined table's whole key.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.rules.breach import Breach, Options
from tools.rules.items import Item
from tools.spec.model import Spec
from tools.spec.scope import expression_of, parse_in_scope, relation, relations
from tools.spec.transform import Join, Model
from tools.sql.analyse import columns_in
from tools.sql.flow import ignores_duplicates
from tools.sql.parse import Node, SqlError

NAME = "join_preserves_grain"
ON = ("model",)

_MULTIPLIES = ("one_to_many", "many_to_many")


class Params(Options):
    """``allow_preaggregate``: whether ``aggregate`` and ``pick`` may bring a many side down."""

    allow_preaggregate: bool = True


def check(item: Item, params: Params) -> Iterator[Breach]:
    """Yields a breach for each join that multiplies rows, or may in spite of what it declares."""
    spec, model = item.view.spec, item.model
    if spec is None or model is None:
        return
    many = [j for j in model.joins if _multiplies(j)]
    for j, join in enumerate(model.joins):
        where = item.at("joins", j)
        if (join.aggregate or join.pick) and not params.allow_preaggregate:
            message = f"the join to {join.to} brings a many side down inside {model.name}"
            yield Breach(message, "make it a model of its own, at the joined grain", where)
        elif _multiplies(join):
            if not _is_grain(spec, model, join) and not (
                len(many) == 1 and _aggregated_rightly(spec, model, join)
            ):
                message = f"the join to {join.to} is {join.cardinality}: it multiplies the rows"
                key = ", ".join(model.grain) or "the key"
                hint = f"aggregate {join.to} to one row a {key} before the join, or pick one row"
                yield Breach(message, hint, where)
        else:
            missing = _missing_key(spec, model, join)
            if missing:
                message = (
                    f"the join to {join.to} finds several rows: it does not match "
                    f"{', '.join(missing)} of its key"
                )
                yield Breach(message, f"match {missing[0]}, filter on it, or pick one row", where)


def _multiplies(join: Join) -> bool:
    return join.cardinality in _MULTIPLIES and not (join.aggregate or join.pick)


def _is_grain(spec: Spec, model: Model, join: Join) -> bool:
    """Whether the joined table's columns are part of the grain: then its rows are the rows."""
    grain = {g.lower() for g in model.grain}
    for output in model.columns:
        if output.name.lower() in grain and join.alias in _tables(_output(spec, model, output)):
            return True
    return any(k.lower().startswith(f"{join.alias.lower()}.") for k in model.group_by)


def _output(spec: Spec, model: Model, output: object) -> Node | None:
    try:
        return expression_of(spec, model, output)  # type: ignore[arg-type]
    except SqlError:
        return None  # the spec's own lint says so


def _tables(tree: Node | None) -> set[str]:
    return {ref.table for ref in columns_in(tree) if ref.table} if tree is not None else set()


def _aggregated_rightly(spec: Spec, model: Model, join: Join) -> bool:
    """Whether what is grouped afterwards is about the many side alone, or minds no duplicates."""
    if not model.is_aggregate or join.after_group_by:
        return False
    scope = relations(spec, model)
    for measure in model.aggregations:
        try:
            tree = parse_in_scope(spec, measure.expr, scope, model.alias)
        except SqlError:
            continue  # the spec's own lint says so
        if _tables(tree) != {join.alias} and not ignores_duplicates(tree):
            return False
    return True


def _missing_key(spec: Spec, model: Model, join: Join) -> list[str]:
    """The columns of the joined table's key that neither ``on`` nor ``filter`` mentions."""
    key = _key(spec, join)
    if not key or join.on is None:
        return []
    scope = relations(spec, model)
    alone = {join.alias: relation(spec, join.to, join.alias)}
    named: set[str] = set()
    for text, around in ((join.on, scope), (join.filter, alone)):
        try:
            tree = parse_in_scope(spec, text, around, join.alias) if text else None
        except SqlError:
            return []
        named |= (
            {r.name.lower() for r in columns_in(tree) if r.table == join.alias} if tree else set()
        )
    missing = [k for k in key if not named & {part.lower() for part in k}]
    return [" or ".join(k) for k in missing]


def _key(spec: Spec, join: Join) -> list[tuple[str, ...]]:
    """What makes a row of the joined table one: for each column, it or another that will do."""
    if join.aggregate:
        return [(c,) for c in join.aggregate.by]
    if join.pick:
        return [(c,) for c in join.pick.by]
    found = spec.source_table(join.to)
    if found is not None:
        return [(c,) for c in found[1].primary_key]
    joined = spec.model_named(join.to)
    if joined is None:
        return []
    if joined.load.strategy == "scd2":
        current = (joined.load.is_current, joined.load.valid_from)
        return [*((c,) for c in joined.load.key), current]
    return [(c,) for c in joined.grain or joined.load.key]
