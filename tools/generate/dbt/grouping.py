"""Grouped models: filters and de-duplication before, joins and columns after the grouping."""

from __future__ import annotations

from collections.abc import Sequence

from tools.generate.dbt.builder import Builder
from tools.generate.dbt.joins import (
    deduplicated,
    flattened,
    import_select,
    join_cte,
    joined,
    tail,
    tail_trees,
)
from tools.generate.dbt.text import Cte, Query, Select, clauses, conjunction
from tools.spec.scope import expression_of
from tools.spec.transform import Join
from tools.sql.analyse import ColumnRef, columns_in, rename
from tools.sql.parse import Node, column
from tools.sql.render import identifier
from tools.sql.shape import parenthesised


def grouped_query(b: Builder) -> Query:
    """The query of a model that groups its rows."""
    model = b.model
    before = [j for j in model.joins if not j.after_group_by]
    after = [j for j in model.joins if j.after_group_by]
    keys = b.keys()
    measures = [(m.name, b.tree(m.expr)) for m in model.aggregations]
    bare = not before and not after and model.dedupe is None
    row_trees = [t for _, t in (*keys, *measures)] + tail_trees(b)
    row_trees += [b.tree(j.on) for j in before if j.on]
    if model.having:
        row_trees.append(_having(b))
    ctes: list[Cte] = []
    if not bare:
        after_trees = [t for _, t in b.output_trees()] + [b.tree(j.on) for j in after if j.on]
        after_trees += [e.tree for e in b.extras]
        refs = [r for t in row_trees for r in columns_in(t)]
        ctes.append(
            Cte(b.tables[model.alias], str(import_select(b, model.alias, model.from_, refs)))
        )
        ctes += [join_cte(b, j, refs) for j in before]
        ctes += [join_cte(b, j, [r for t in after_trees for r in columns_in(t)]) for j in after]
    source, wheres = _grouping_source(b, before, ctes, row_trees, bare=bare)
    grouped = _group_select(b, keys, measures, source, wheres, bare=bare)
    if not after and not model.columns and not b.extras:
        return Query(tuple(ctes), grouped)
    return _after_grouping(b, ctes, grouped, keys, after)


def _having(b: Builder) -> Node:
    """The predicate on groups; the name of a measure in it stands for its expression."""
    home = b.model.alias
    named = {
        ColumnRef(m.name, home): parenthesised(b.tree(m.expr))
        for m in b.model.aggregations
        if b.scope[home].column(m.name) is None
    }
    return rename(b.tree(b.model.having or ""), named)


def _grouping_source(
    b: Builder, joins: Sequence[Join], ctes: list[Cte], trees: Sequence[Node], *, bare: bool
) -> tuple[str, tuple[str, ...]]:
    """What is grouped, and its filters; de-duplication needs a select of its own before."""
    if bare:
        return b.locate(b.model.from_), tail(b, bare=True)
    source = joined(b, joins)
    if b.model.dedupe is None:
        return source, tail(b, bare=False)
    ctes.append(deduplicated(b, trees, source))
    return "deduplicated", ()


def _group_select(
    b: Builder,
    keys: Sequence[tuple[str, Node]],
    measures: Sequence[tuple[str, Node]],
    source: str,
    wheres: tuple[str, ...],
    *,
    bare: bool,
) -> Select:
    def fit(tree: Node) -> Node:
        if b.model.dedupe is None:
            return tree
        return flattened(b, tree)

    flat = bare or b.model.dedupe is not None
    key_texts = [(b.text(fit(t), bare=flat), identifier(n)) for n, t in keys]
    measured = [b.typed(n, t, bare=flat, shown=fit(t)) for n, t in measures]
    group = f"group by {', '.join(t for t, _ in key_texts)}" if keys else ""
    having = ""
    if b.model.having:
        having = f"having {b.text(fit(_having(b)), bare=flat, indent=7)}"
    return Select((*key_texts, *measured), source, clauses(*wheres, group, having))


def _after_grouping(
    b: Builder,
    ctes: list[Cte],
    grouped: Select,
    keys: Sequence[tuple[str, Node]],
    after: Sequence[Join],
) -> Query:
    """Joins and columns over one row a group; the home alias now means the groups."""
    name = f"per_{'_and_'.join(n for n, _ in keys)}" if keys else "overall"
    name = identifier(name) if identifier(name) == name else "grouped"
    ctes.append(Cte(name, str(grouped), f"One row per {', '.join(n for n, _ in keys) or 'load'}."))
    b.tables[b.model.alias] = name
    bare = not after
    own = [(n, column(n.strip('"'), b.model.alias)) for n in grouped.names]
    declared = {c.name.lower() for c in b.model.columns}
    columns = [(b.text(t, bare=bare), n) for n, t in own if n.strip('"').lower() not in declared]
    for output in b.model.columns:
        tree = expression_of(b.spec, b.model, output, b.others)
        columns.append(b.typed(output.name, tree, bare=bare))
    columns += [(b.cast(e.tree, e.type, bare=bare), e.name) for e in b.extras]
    source = name if bare else joined(b, after, name)
    filters = [
        b.text(b.tree(j.filter, j.alias), bare=bare, indent=6)
        for j in after
        if j.filter and j.filter_at == "after_join"
    ]
    return Query(
        tuple(ctes), Select(tuple(columns), source, clauses(conjunction("where", filters)))
    )
