"""Personal data stays marked on its way.

Anti-pattern: ``lower(email) as contact`` without a mark. Erasure and access rules follow the mark,
and past this column they follow nothing.

Best practice: an expression over a column with ``pii: true`` is ``pii: true`` itself, unless it
hides the value (a hash, a count, a comparison); ``pii: false`` on an expression is a decision,
on a column that is passed through as it is it is a mistake.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.rules.breach import Breach, Options
from tools.rules.items import Item
from tools.rules.subject import declared_outputs
from tools.spec.scope import Relation, expression_of, parse_in_scope, relations
from tools.spec.transform import Measure, OutputColumn
from tools.sql.flow import exposed_columns
from tools.sql.parse import SqlError

NAME = "pii_propagates"
ON = ("model",)


class Params(Options):
    """No options."""


def check(item: Item, params: Params) -> Iterator[Breach]:  # noqa: ARG001
    """Yields a breach for each output that lets personal data through unmarked."""
    if item.model is None or item.view.spec is None:
        return
    scope = relations(item.view.spec, item.model)
    if not any(column.pii for relation in scope.values() for column in relation.columns):
        return
    for key, c, output in declared_outputs(item.model):
        if output.pii or _decided(output) or _inherits(output):
            continue
        source = _personal(item, output, scope)
        if source is None:
            continue
        name = f"{item.model.name}.{output.name}"
        yield Breach(
            f"{name} shows {source}, which is personal data, and is not marked",
            "add pii: true, or hide the value (sha256)",
            item.at(key, c),
            name,
        )


def _inherits(output: OutputColumn | Measure) -> bool:
    """A column that is passed through without a word takes its source's mark with it."""
    return output.expr is None and "pii" not in output.model_fields_set


def _decided(output: OutputColumn | Measure) -> bool:
    return output.expr is not None and "pii" in output.model_fields_set


def _personal(item: Item, output: OutputColumn | Measure, scope: dict[str, Relation]) -> str | None:
    spec, model = item.view.spec, item.model
    if spec is None or model is None:
        return None
    try:
        if isinstance(output, OutputColumn):
            tree = expression_of(spec, model, output)
        else:
            tree = parse_in_scope(spec, output.expr, scope, model.alias)
    except SqlError:
        return None  # the spec's own lint says so
    for ref in exposed_columns(tree):
        relation = scope.get(ref.table or model.alias)
        column = relation.column(ref.name) if relation else None
        if relation is not None and column is not None and column.pii:
            return f"{relation.ref}.{column.name}"
    return None
