"""A model's transformation as common table expressions and one final select.

One relation needs no name of its own: its select reads it directly. As soon as there are joins,
each relation becomes a common table expression that holds the columns that are used, with its
filter, its pick or its pre-aggregation inside, so that every join meets one row a key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tools.generate.dbt.builder import Builder, Extra, Locate
from tools.generate.dbt.grouping import grouped_query
from tools.generate.dbt.joins import (
    deduplicated,
    flattened,
    imports,
    joined,
    tail,
    tail_trees,
)
from tools.generate.dbt.text import Query, Select
from tools.spec.model import Spec
from tools.spec.scope import NO_OTHERS
from tools.spec.transform import Model
from tools.sql.analyse import has_window
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
    trees = [(n, t, None) for n, t in b.output_trees()]
    extras = [(e.name, e.tree, e) for e in b.extras]
    found: list[tuple[str, Node, Extra | None]] = [*trees, *extras]
    apart = b.model.dedupe is not None and any(has_window(t) for _, t, _ in found)
    bare = not b.model.joins and not apart and not _hides(b, [(n, t) for n, t, _ in found])
    reads = [t for _, t, _ in found]
    used = reads + tail_trees(b) + [b.tree(j.on) for j in b.model.joins if j.on]
    ctes = [] if bare else list(imports(b, used))
    source = b.locate(b.model.from_) if bare else joined(b, b.model.joins)
    clauses = tail(b, bare=bare)
    if apart:  # a window counts the rows that are left, so they have to be left first
        ctes.append(deduplicated(b, reads, source))
        source, clauses, bare = "deduplicated", (), True
    columns = tuple(
        _column(b, n, t, e, bare=bare, shown=flattened(b, t) if apart else t) for n, t, e in found
    )
    return Query(tuple(ctes), Select(columns, source, clauses))


def _column(
    b: Builder, name: str, tree: Node, extra: Extra | None, *, bare: bool, shown: Node
) -> tuple[str, str]:
    if extra is None:
        return b.typed(name, tree, bare=bare, shown=shown)
    return b.cast(tree, extra.type, bare=bare, shown=shown), identifier(name)


def _hides(b: Builder, trees: Iterable[tuple[str, Node]]) -> bool:
    """Whether an output renames an input that clauses still have to read."""
    if not tail_trees(b):
        return False
    inputs = {c.name.lower() for c in b.scope[b.model.alias].columns}
    return any(name.lower() in inputs and not is_plain_column(tree) for name, tree in trees)
