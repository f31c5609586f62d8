"""What a select reads from: relations brought to one row a key, joins, filters, de-duplication."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tools.generate.dbt.builder import Builder
from tools.generate.dbt.text import Cte, Select, clauses, conjunction
from tools.spec.scope import Relation, parse_in_scope, qualify, relation
from tools.spec.transform import Join, Measure, Model
from tools.sql.analyse import ColumnRef, columns_in, rename
from tools.sql.infer import parse_order
from tools.sql.parse import Node, column
from tools.sql.render import identifier, type_sql

_WIDTH = 88


def imports(b: Builder, used: Sequence[Node]) -> Iterable[Cte]:
    """A common table expression for each relation, with the columns that are used."""
    refs = [ref for tree in used for ref in columns_in(tree)]
    yield Cte(b.tables[b.model.alias], str(import_select(b, b.model.alias, b.model.from_, refs)))
    for join in b.model.joins:
        yield join_cte(b, join, refs)


def _used(b: Builder, alias: str, refs: Sequence[ColumnRef]) -> list[str]:
    """The columns of an alias that are used: in declared order, those not declared after them."""
    wanted = {r.name.lower(): r.name for r in refs if (r.table or "").lower() == alias.lower()}
    declared = [c.name for c in b.scope[alias].columns if c.name.lower() in wanted]
    rest = [n for low, n in wanted.items() if low not in {d.lower() for d in declared}]
    return [*declared, *rest]


def import_select(b: Builder, alias: str, ref: str, refs: Sequence[ColumnRef]) -> Select:
    """The columns of a relation that are used, and nothing else of it."""
    names = _used(b, alias, refs) or [c.name for c in b.scope[alias].columns[:1]]
    return Select(tuple((identifier(n), identifier(n)) for n in names), b.locate(ref))


def join_cte(b: Builder, join: Join, refs: Sequence[ColumnRef]) -> Cte:
    """A joined relation with its filter, its pre-aggregation or its pick."""
    inner = relation(b.spec, join.to, join.alias, b.others)
    where = ""
    if join.filter and join.filter_at != "after_join":
        tree = parse_in_scope(b.spec, join.filter, {join.alias: inner}, join.alias)
        where = conjunction("where", [b.text(tree, bare=True, indent=6)])
    if join.aggregate:
        by = [identifier(k) for k in join.aggregate.by]
        wanted = {n.lower() for n in _used(b, join.alias, refs)}
        measures = [m for m in join.aggregate.columns if m.name.lower() in wanted]
        columns = [(k, k) for k in by]
        columns += [_measure(b, join, inner, m) for m in measures]
        grouped = Select(
            tuple(columns), b.locate(join.to), clauses(where, f"group by {', '.join(by)}")
        )
        why = f"One row per {', '.join(join.aggregate.by)}, so that the join keeps the grain."
        return Cte(b.tables[join.alias], str(grouped), why)
    select = import_select(b, join.alias, join.to, refs)
    pick, comment = "", ""
    if join.pick:
        by = [identifier(k) for k in join.pick.by]
        scope = {join.alias: inner}
        order = [_pick_order(b, scope, join.alias, o) for o in join.pick.order_by]
        named = {o.split(" ")[0] for o in order} | set(by)
        ties = [name for _, name in select.columns if name not in named]
        pick = first_row(by, [*order, *ties])
        comment = f"One row per {', '.join(join.pick.by)}; ties by the remaining columns."
    return Cte(
        b.tables[join.alias],
        str(Select(select.columns, select.source, clauses(where, pick))),
        comment,
    )


def _pick_order(b: Builder, scope: Mapping[str, Relation], alias: str, text: str) -> str:
    return b.text(qualify(parse_order(text, b.spec.dialect), scope, alias), bare=True)


def _measure(b: Builder, join: Join, inner: Relation, measure: Measure) -> tuple[str, str]:
    tree = parse_in_scope(b.spec, measure.expr, {join.alias: inner}, join.alias)
    text = b.text(tree, bare=True)
    if measure.type:
        text = f"cast({text} as {type_sql(measure.type, b.spec.dialect, 'duckdb')})"
    return text, identifier(measure.name)


def tail_trees(b: Builder) -> list[Node]:
    """What filters and de-duplication read."""
    trees = [b.tree(p, home) for p, home in predicates(b.model)]
    if b.model.dedupe:
        trees += [b.named(k) for k in b.model.dedupe.by]
        trees += [ordered(b, o) for o in b.model.dedupe.order_by]
    return trees


def predicates(model: Model) -> list[tuple[str, str]]:
    """The filters after the joins as (text, home): of joins, then of the model."""
    after = [
        (j.filter, j.alias)
        for j in model.joins
        if j.filter and j.filter_at == "after_join" and not j.after_group_by
    ]
    return [*after, *([(model.where, model.alias)] if model.where else [])]


def ordered(b: Builder, text: str, home: str | None = None) -> Node:
    """An ``order by`` item as a tree, its columns qualified."""
    return qualify(parse_order(text, b.spec.dialect), b.scope, home or b.model.alias)


def tail(b: Builder, *, bare: bool) -> tuple[str, ...]:
    """The clauses behind the joins: filters and de-duplication."""
    wheres = [b.text(b.tree(p, home), bare=bare, indent=6) for p, home in predicates(b.model)]
    return clauses(conjunction("where", wheres), _dedupe(b, bare=bare))


def _dedupe(b: Builder, *, bare: bool) -> str:
    dedupe = b.model.dedupe
    if dedupe is None:
        return ""
    by = [b.text(b.named(k), bare=bare) for k in dedupe.by]
    order = [b.text(ordered(b, o), bare=bare) for o in dedupe.order_by]
    return first_row(by, order)


def first_row(by: Sequence[str], order: Sequence[str]) -> str:
    """The clause that keeps the first row of each group."""
    window = f"partition by {', '.join(by)} order by {', '.join(order)}"
    flat = f"qualify row_number() over ({window}) = 1"
    if len(flat) <= _WIDTH:
        return flat
    ordered = f"order by {', '.join(order)}"
    if len(ordered) > _WIDTH:
        ordered = "order by\n        " + ",\n        ".join(order)
    return f"qualify row_number() over (\n    partition by {', '.join(by)}\n    {ordered}\n) = 1"


def joined(b: Builder, joins: Sequence[Join], base: str | None = None) -> str:
    """The from clause: the base and its joins, in order."""
    lines = [base or b.tables[b.model.alias]]
    for join in joins:
        table = b.tables[join.alias]
        if join.on is None:
            lines.append(f"cross join {table}")
            continue
        on = b.text(b.tree(join.on), bare=False)
        kind = f"{join.type} join {table}"
        flat = f"{kind} on {on}"
        lines.append(flat if "\n" not in on and len(flat) <= 92 else f"{kind}\n    on {on}")
    return "\n".join(lines)


def deduplicated(b: Builder, trees: Sequence[Node], source: str) -> Cte:
    """The columns that trees read, of the rows that are left after filters and de-duplication."""
    refs = tuple(dict.fromkeys(r for tree in trees for r in columns_in(tree)))
    columns = tuple(
        (b.text(column(r.name, r.table), bare=False), identifier(_flat(b, r))) for r in refs
    )
    why = "One row a key, before anything is counted."
    return Cte("deduplicated", str(Select(columns, source, tail(b, bare=False))), why)


def flattened(b: Builder, tree: Node) -> Node:
    """An expression over the columns of :func:`deduplicated`."""
    return rename(tree, {r: column(_flat(b, r)) for r in columns_in(tree)})


def _flat(b: Builder, ref: ColumnRef) -> str:
    home = (ref.table or b.model.alias) == b.model.alias
    return ref.name if home else f"{ref.table}__{ref.name}"
