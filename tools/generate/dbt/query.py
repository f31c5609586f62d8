"""A model's transformation as common table expressions and one final select.

One relation needs no name of its own: its select reads it directly. As soon as there are joins,
each relation becomes a common table expression that holds the columns that are used, with its
filter, its pick or its pre-aggregation inside, so that every join meets one row a key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tools.generate.dbt.builder import Builder, Extra, Locate
from tools.generate.dbt.grouping import grouped_query
from tools.generate.dbt.joins import imports, joined, tail, tail_trees
from tools.generate.dbt.text import Query, Select
from tools.spec.model import Spec
from tools.spec.scope import NO_OTHERS
from tools.spec.transform import Model
from tools.sql.parse import Node
from tools.sql.render import identifier
from tools.sql.shape import is_plain_column


def build(
    spec: Spec,
    model: Model,
    locate: Locate,
    others: Mapping[str, Spec] = NO_OTHERS,
    extras: Sequence[Extra] = (),
) -> Query:
    """The transformation of a model, without what its load strategy adds.

    Args:
        spec: the spec of the model; it lints without errors.
        model: the model.
        locate: turns references into Jinja.
        others: models of other pipelines by name.
        extras: further columns of the last select, over the columns in scope.
    """
    builder = Builder(spec, model, others, locate, extras)
    if model.is_aggregate:
        return grouped_query(builder)
    return _rows(builder)


def _rows(b: Builder) -> Query:
    trees = [*b.output_trees(), *((e.name, e.tree) for e in b.extras)]
    bare = not b.model.joins and not _hides(b, trees)
    used = [t for _, t in trees] + tail_trees(b) + [b.tree(j.on) for j in b.model.joins if j.on]
    ctes = () if bare else tuple(imports(b, used))
    columns = tuple(
        (b.text(t, bare=bare), identifier(n)) if n.startswith("_") else b.typed(n, t, bare=bare)
        for n, t in trees
    )
    source = b.locate(b.model.from_) if bare else joined(b, b.model.joins)
    return Query(ctes, Select(columns, source, tail(b, bare=bare)))


def _hides(b: Builder, trees: Iterable[tuple[str, Node]]) -> bool:
    """Whether an output renames an input that clauses still have to read."""
    if not tail_trees(b):
        return False
    inputs = {c.name.lower() for c in b.scope[b.model.alias].columns}
    return any(name.lower() in inputs and not is_plain_column(tree) for name, tree in trees)
