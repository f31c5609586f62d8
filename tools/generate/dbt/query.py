"""A model's transformation as common table expressions and one final select.

One relation needs no name of its own: its select reads it directly. As soon as there are joins,
each relation becomes a common table expression that holds the columns that are used, with its
filter, its pick or its pre-aggregation inside, so that every join meets one row a key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tools.generate.dbt.text import Cte, Select, clauses, conjunction, indented
from tools.spec.model import Spec
from tools.spec.scope import (
    NO_OTHERS,
    Relation,
    expression_of,
    group_key,
    outputs,
    parse_in_scope,
    qualify,
    relation,
    relations,
)
from tools.spec.transform import Join, Measure, Model
from tools.sql.analyse import ColumnRef, columns_in, rename
from tools.sql.infer import infer_type, parse_order
from tools.sql.parse import Node, column
from tools.sql.render import identifier, render, type_sql
from tools.sql.shape import casts_to, is_count, is_plain_column, retable

Locate = Callable[[str], str]
"""A reference of the spec to the Jinja that stands for the table: ``ref(...)``, ``source(...)``."""

_WRITE = "duckdb"
_WIDTH = 88


@dataclass(frozen=True)
class Extra:
    """A column that the load strategy needs beside the model's own."""

    name: str
    tree: Node


@dataclass(frozen=True)
class Query:
    """The common table expressions of a model and the select that gives its rows."""

    ctes: tuple[Cte, ...]
    select: Select


@dataclass
class _Builder:
    """The parsed parts of one model; lives for one call of :func:`build`."""

    spec: Spec
    model: Model
    others: Mapping[str, Spec]
    locate: Locate
    extras: Sequence[Extra]
    scope: dict[str, Relation] = field(init=False)
    tables: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.scope = relations(self.spec, self.model, self.others)
        self.tables = {alias: table_name(alias) for alias in self.scope}

    # -- trees ------------------------------------------------------------------------------

    def tree(self, text: str, home: str | None = None) -> Node:
        return parse_in_scope(self.spec, text, self.scope, home or self.model.alias)

    def output_trees(self) -> list[tuple[str, Node]]:
        """The columns of the last select as (name, tree), in output order."""
        model = self.model
        plain = [(c.name, expression_of(self.spec, model, c, self.others)) for c in model.columns]
        if model.is_aggregate:
            named = {name.lower() for name, _ in plain}
            keys = [(k, t) for k, t in self.keys() if k.lower() not in named]
            measures = [(m.name, self.tree(m.expr)) for m in model.aggregations]
            return [*keys, *measures, *plain]
        if plain:
            return plain
        names = outputs(self.spec, model, self.others)
        return [(c.name, column(c.name, model.alias)) for c in names]

    def keys(self) -> list[tuple[str, Node]]:
        home = self.model.alias
        return [(group_key(k, self.scope, home).name, self.named(k)) for k in self.model.group_by]

    def named(self, name: str) -> Node:
        """A column that the spec names outside of an expression: ``column``, ``alias.column``."""
        table, _, bare = name.rpartition(".")
        return qualify(column(bare, table or None), self.scope, self.model.alias)

    # -- text -------------------------------------------------------------------------------

    def text(self, tree: Node, *, bare: bool, indent: int = 0) -> str:
        names = {alias: ("" if bare else table) for alias, table in self.tables.items()}
        return render(retable(tree, names), _WRITE, read=self.spec.dialect, indent=indent)

    def typed(self, name: str, tree: Node, *, bare: bool) -> tuple[str, str]:
        """A column of the last select, cast where its type is not already the declared one."""
        declared = self._types().get(name.lower())
        text = self.text(tree, bare=bare)
        quoted = identifier(name)
        if declared is None or self._has_type(tree, declared):
            return text, quoted
        kind = type_sql(declared, self.spec.dialect, _WRITE)
        if "\n" in text:
            return f"cast(\n{indented(text)}\n    as {kind}\n)", quoted
        return f"cast({text} as {kind})", quoted

    def _types(self) -> dict[str, str | None]:
        return {c.name.lower(): c.type for c in outputs(self.spec, self.model, self.others)}

    def _has_type(self, tree: Node, declared: str) -> bool:
        known = {
            ColumnRef(c.name, alias): c.type
            for alias, rel in self.scope.items()
            for c in rel.columns
            if c.type
        }
        dialect = self.spec.dialect
        wanted = type_sql(declared, dialect, _WRITE)
        if is_plain_column(tree):
            ref = columns_in(tree)[0]
            kind = known.get(ref)
            return kind is not None and type_sql(kind, dialect, _WRITE) == wanted
        if casts_to(tree, wanted, dialect) or (is_count(tree) and wanted == "bigint"):
            return True
        inferred = infer_type(tree, known, dialect)
        # Only types that arithmetic and aggregation cannot widen are taken from inference.
        certain = wanted in ("varchar", "boolean")
        return certain and inferred is not None and type_sql(inferred, dialect, _WRITE) == wanted


def table_name(alias: str) -> str:
    """The name of the common table expression of an alias: never one that needs quotes."""
    if identifier(alias) == alias:
        return alias
    return f"{alias}s" if identifier(f"{alias}s") == f"{alias}s" else "source_rows"


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
    builder = _Builder(spec, model, others, locate, extras)
    if model.is_aggregate:
        return _grouped(builder)
    return _rows(builder)


def _rows(b: _Builder) -> Query:
    trees = [*b.output_trees(), *((e.name, e.tree) for e in b.extras)]
    bare = not b.model.joins and not _hides(b, trees)
    used = [t for _, t in trees] + _tail_trees(b) + [b.tree(j.on) for j in b.model.joins if j.on]
    ctes = () if bare else tuple(_imports(b, used))
    columns = tuple(
        (b.text(t, bare=bare), identifier(n)) if n.startswith("_") else b.typed(n, t, bare=bare)
        for n, t in trees
    )
    source = b.locate(b.model.from_) if bare else _joined(b, b.model.joins)
    return Query(ctes, Select(columns, source, _tail(b, bare=bare)))


def _hides(b: _Builder, trees: Iterable[tuple[str, Node]]) -> bool:
    """Whether an output renames an input that clauses still have to read."""
    if not _tail_trees(b):
        return False
    inputs = {c.name.lower() for c in b.scope[b.model.alias].columns}
    return any(name.lower() in inputs and not is_plain_column(tree) for name, tree in trees)


def _tail_trees(b: _Builder) -> list[Node]:
    trees = [b.tree(p, home) for p, home in _predicates(b.model)]
    if b.model.dedupe:
        trees += [b.named(k) for k in b.model.dedupe.by]
        trees += [_ordered(b, o) for o in b.model.dedupe.order_by]
    return trees


def _predicates(model: Model) -> list[tuple[str, str]]:
    after = [
        (j.filter, j.alias)
        for j in model.joins
        if j.filter and j.filter_at == "after_join" and not j.after_group_by
    ]
    return [*after, *([(model.where, model.alias)] if model.where else [])]


def _ordered(b: _Builder, text: str, home: str | None = None) -> Node:
    return qualify(parse_order(text, b.spec.dialect), b.scope, home or b.model.alias)


def _tail(b: _Builder, *, bare: bool) -> tuple[str, ...]:
    wheres = [b.text(b.tree(p, home), bare=bare, indent=6) for p, home in _predicates(b.model)]
    return clauses(conjunction("where", wheres), _dedupe(b, bare=bare))


def _dedupe(b: _Builder, *, bare: bool) -> str:
    dedupe = b.model.dedupe
    if dedupe is None:
        return ""
    by = [b.text(b.named(k), bare=bare) for k in dedupe.by]
    order = [b.text(_ordered(b, o), bare=bare) for o in dedupe.order_by]
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


def _joined(b: _Builder, joins: Sequence[Join], base: str | None = None) -> str:
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


# -- the relations of a join ------------------------------------------------------------------


def _imports(b: _Builder, used: Sequence[Node]) -> Iterable[Cte]:
    refs = [ref for tree in used for ref in columns_in(tree)]
    yield Cte(b.tables[b.model.alias], str(_import(b, b.model.alias, b.model.from_, refs)))
    for join in b.model.joins:
        yield _join_cte(b, join, refs)


def _used(b: _Builder, alias: str, refs: Sequence[ColumnRef]) -> list[str]:
    """The columns of an alias that are used: in declared order, those not declared after them."""
    wanted = {r.name.lower(): r.name for r in refs if (r.table or "").lower() == alias.lower()}
    declared = [c.name for c in b.scope[alias].columns if c.name.lower() in wanted]
    rest = [n for low, n in wanted.items() if low not in {d.lower() for d in declared}]
    return [*declared, *rest]


def _import(b: _Builder, alias: str, ref: str, refs: Sequence[ColumnRef]) -> Select:
    names = _used(b, alias, refs) or [c.name for c in b.scope[alias].columns[:1]]
    return Select(tuple((identifier(n), identifier(n)) for n in names), b.locate(ref))


def _join_cte(b: _Builder, join: Join, refs: Sequence[ColumnRef]) -> Cte:
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
    select = _import(b, join.alias, join.to, refs)
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


def _pick_order(b: _Builder, scope: Mapping[str, Relation], alias: str, text: str) -> str:
    return b.text(qualify(parse_order(text, b.spec.dialect), scope, alias), bare=True)


def _measure(b: _Builder, join: Join, inner: Relation, measure: Measure) -> tuple[str, str]:
    tree = parse_in_scope(b.spec, measure.expr, {join.alias: inner}, join.alias)
    text = b.text(tree, bare=True)
    if measure.type:
        text = f"cast({text} as {type_sql(measure.type, b.spec.dialect, _WRITE)})"
    return text, identifier(measure.name)


# -- grouping ---------------------------------------------------------------------------------


def _grouped(b: _Builder) -> Query:
    model = b.model
    before = [j for j in model.joins if not j.after_group_by]
    after = [j for j in model.joins if j.after_group_by]
    keys = b.keys()
    measures = [(m.name, b.tree(m.expr)) for m in model.aggregations]
    bare = not before and not after and model.dedupe is None
    row_trees = [t for _, t in (*keys, *measures)] + _tail_trees(b)
    row_trees += [b.tree(j.on) for j in before if j.on]
    if model.having:
        row_trees.append(b.tree(model.having))
    ctes: list[Cte] = []
    if not bare:
        after_trees = [t for _, t in b.output_trees()] + [b.tree(j.on) for j in after if j.on]
        after_trees += [e.tree for e in b.extras]
        refs = [r for t in row_trees for r in columns_in(t)]
        ctes.append(Cte(b.tables[model.alias], str(_import(b, model.alias, model.from_, refs))))
        ctes += [_join_cte(b, j, refs) for j in before]
        ctes += [_join_cte(b, j, [r for t in after_trees for r in columns_in(t)]) for j in after]
    source, wheres = _grouping_source(b, before, ctes, row_trees, bare=bare)
    grouped = _group_select(b, keys, measures, source, wheres, bare=bare)
    if not after and not model.columns and not b.extras:
        return Query(tuple(ctes), grouped)
    return _after_grouping(b, ctes, grouped, keys, after)


def _grouping_source(
    b: _Builder, joins: Sequence[Join], ctes: list[Cte], trees: Sequence[Node], *, bare: bool
) -> tuple[str, tuple[str, ...]]:
    """What is grouped, and its filters; de-duplication needs a select of its own before."""
    if bare:
        return b.locate(b.model.from_), _tail(b, bare=True)
    joined = _joined(b, joins)
    if b.model.dedupe is None:
        return joined, _tail(b, bare=False)
    refs = tuple(dict.fromkeys(r for t in trees for r in columns_in(t)))
    columns = tuple(
        (b.text(column(r.name, r.table), bare=False), identifier(_flat(b, r))) for r in refs
    )
    ctes.append(
        Cte("deduplicated", str(Select(columns, joined, _tail(b, bare=False))), "One row a key.")
    )
    return "deduplicated", ()


def _flat(b: _Builder, ref: ColumnRef) -> str:
    home = (ref.table or b.model.alias) == b.model.alias
    return ref.name if home else f"{ref.table}__{ref.name}"


def _group_select(
    b: _Builder,
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
        return rename(tree, {r: column(_flat(b, r)) for r in columns_in(tree)})

    flat = bare or b.model.dedupe is not None
    key_texts = [(b.text(fit(t), bare=flat), identifier(n)) for n, t in keys]
    measured = [_typed_measure(b, n, t, fit(t), bare=flat) for n, t in measures]
    group = f"group by {', '.join(t for t, _ in key_texts)}" if keys else ""
    having = ""
    if b.model.having:
        having = f"having {b.text(fit(b.tree(b.model.having)), bare=flat, indent=7)}"
    return Select((*key_texts, *measured), source, clauses(*wheres, group, having))


def _typed_measure(
    b: _Builder, name: str, tree: Node, fitted: Node, *, bare: bool
) -> tuple[str, str]:
    text, quoted = b.typed(name, tree, bare=bare)
    plain = b.text(tree, bare=bare)
    return text.replace(plain, b.text(fitted, bare=bare)), quoted


def _after_grouping(
    b: _Builder,
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
    columns += [(b.text(e.tree, bare=bare), e.name) for e in b.extras]
    source = name if bare else _joined(b, after, name)
    filters = [
        b.text(b.tree(j.filter, j.alias), bare=bare, indent=6)
        for j in after
        if j.filter and j.filter_at == "after_join"
    ]
    return Query(
        tuple(ctes), Select(tuple(columns), source, clauses(conjunction("where", filters)))
    )
