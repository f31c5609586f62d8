"""Questions about a syntax tree: its columns, its functions, what a predicate does with NULL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from sqlglot import exp

from tools.sql.parse import Node

_NONDETERMINISTIC = {
    "current_date", "current_time", "current_timestamp", "current_timestamp_l_t_z",
    "current_datetime", "gen_random_uuid", "generate_uuid", "getdate", "localtime",
    "localtimestamp", "now", "rand", "random", "randn", "sysdate", "today", "uuid", "uuid_string",
}  # fmt: skip

_ONE_OF_SEVERAL = (
    exp.AnyValue, exp.First, exp.Last, exp.ArgMax, exp.ArgMin, exp.ArrayAgg, exp.GroupConcat,
    exp.Mode, exp.JSONArrayAgg, exp.JSONObjectAgg,
)  # fmt: skip
_LISTED = frozenset(
    "arbitrary array_agg arg_max arg_min first histogram last list max_by min_by mode string_agg "
    "group_concat listagg json_group_array json_group_object rowid".split()
)


@dataclass(frozen=True, order=True)
class ColumnRef:
    """A column as an expression names it."""

    name: str
    table: str | None = None

    def __str__(self) -> str:
        return f"{self.table}.{self.name}" if self.table else self.name


def columns_in(node: Node) -> tuple[ColumnRef, ...]:
    """The columns that an expression names, in order, each once."""
    found = [
        ColumnRef(c.name, c.table or None)
        for c in node.find_all(exp.Column, bfs=False)
        if not isinstance(c.this, exp.Star)
    ]
    return tuple(dict.fromkeys(found))


def is_aggregate(node: Node) -> bool:
    """Whether an aggregate function is applied, other than as a window function."""
    return any(a.find_ancestor(exp.Window) is None for a in node.find_all(exp.AggFunc))


def is_bare_aggregate(node: Node) -> bool:
    """Whether every column of the expression is inside an aggregate function."""
    return is_aggregate(node) and all(
        c.find_ancestor(exp.AggFunc) is not None for c in node.find_all(exp.Column)
    )


def aggregates_in(node: Node) -> tuple[Node, ...]:
    """The outermost aggregate calls of an expression, in order."""
    return tuple(
        a for a in node.find_all(exp.AggFunc, bfs=False) if a.find_ancestor(exp.AggFunc) is None
    )


def is_computed(node: Node) -> bool:
    """Whether numbers are multiplied, divided or rounded: large ones lose digits there."""
    return node.find(exp.Mul, exp.Div, exp.Round, exp.Pow, exp.Mod) is not None


def has_window(node: Node) -> bool:
    """Whether there is a window function."""
    return node.find(exp.Window) is not None


def sees_order(node: Node) -> bool:
    """Whether the rows of a query may depend on the order in which it finds the rows that it reads.

    Windows, LIMIT, DISTINCT ON, and aggregates that take one of several values or all in a row.
    """
    if node.find(exp.Window, exp.Limit, exp.Fetch, exp.TableSample, *_ONE_OF_SEVERAL) is not None:
        return True
    if any(d.args.get("on") for d in node.find_all(exp.Distinct)):
        return True
    return any(f.name.lower() in _LISTED for f in node.find_all(exp.Anonymous))


def functions_in(node: Node) -> tuple[str, ...]:
    """The names of the functions that are called, lower case, each once."""
    names = [
        (f.name if isinstance(f, exp.Anonymous) else f.sql_name()).lower()
        for f in node.find_all(exp.Func)
        if not isinstance(f, exp.And | exp.Or | exp.Case | exp.If | exp.Cast)
    ]
    return tuple(dict.fromkeys(names))


def nondeterministic_functions(node: Node) -> tuple[str, ...]:
    """The functions whose result is another one on another day."""
    return tuple(f for f in functions_in(node) if f in _NONDETERMINISTIC)


def string_literals(node: Node) -> tuple[str, ...]:
    """The string literals, in order, each once."""
    found = node.find_all(exp.Literal, exp.RawString)  # BigQuery writes patterns as r'...'
    return tuple(
        dict.fromkeys(x.this for x in found if x.is_string or isinstance(x, exp.RawString))
    )


def result_literals(node: Node) -> tuple[str, ...] | None:
    """The strings that an expression can evaluate to, or None when it can be something else."""
    if isinstance(node, exp.Paren):
        return result_literals(node.this)
    if isinstance(node, exp.Literal) and node.is_string:
        return (node.this,)
    if isinstance(node, exp.Null):
        return ()
    if isinstance(node, exp.Case):
        branches = [i.args.get("true") for i in node.args.get("ifs") or []]
        branches.append(node.args.get("default") or exp.Null())
        found = [result_literals(b) for b in branches if b is not None]
        if any(f is None for f in found):
            return None
        return tuple(dict.fromkeys(v for f in found for v in f or ()))
    return None


def conjuncts(node: Node) -> tuple[Node, ...]:
    """The parts of a predicate that are joined by AND."""
    inner = node.unnest()
    if isinstance(inner, exp.And):
        return (*conjuncts(inner.left), *conjuncts(inner.right))
    return (inner,)


def equalities(node: Node) -> tuple[tuple[ColumnRef, ColumnRef], ...]:
    """The pairs of columns that a predicate sets equal, as written."""
    pairs = []
    for part in conjuncts(node):
        if isinstance(part, exp.EQ):
            left, right = part.left.unnest(), part.right.unnest()
            if isinstance(left, exp.Column) and isinstance(right, exp.Column):
                pairs.append(
                    (
                        ColumnRef(left.name, left.table or None),
                        ColumnRef(right.name, right.table or None),
                    )
                )
    return tuple(pairs)


def rejects_nulls_of(node: Node, alias: str, columns: Collection[str] = ()) -> bool:
    """Whether a predicate cannot be true when every column of ``alias`` is NULL.

    The rule is the null-rejection test of outer-join simplification (Galindo-Legaria and
    Rosenthal, 1997), conservative: what it does not know it takes as not rejecting.

    Args:
        node: the predicate.
        alias: the table that may be absent.
        columns: its columns, so that unqualified names count as its own.
    """
    names = {c.lower() for c in columns}

    def mine(ref: exp.Column) -> bool:
        table = ref.table.lower()
        return table == alias.lower() or (not table and ref.name.lower() in names)

    return _rejects(node, mine)


def _rejects(node: Node, mine: Callable[[exp.Column], bool]) -> bool:
    inner = node.unnest()
    if isinstance(inner, exp.And):
        return _rejects(inner.left, mine) or _rejects(inner.right, mine)
    if isinstance(inner, exp.Or):
        return _rejects(inner.left, mine) and _rejects(inner.right, mine)
    if isinstance(inner, exp.Not):
        under = inner.this.unnest()
        if isinstance(under, exp.Is) and isinstance(under.expression, exp.Null):
            return _strict(under.this, mine)
        return isinstance(under, exp.In | exp.Like | exp.EQ | exp.Column | exp.Between) and _strict(
            under, mine
        )
    if isinstance(inner, exp.Is):
        return isinstance(inner.expression, exp.Boolean) and _strict(inner.this, mine)
    if isinstance(
        inner,
        exp.EQ | exp.NEQ | exp.GT | exp.GTE | exp.LT | exp.LTE | exp.Like | exp.ILike | exp.Between,
    ):
        return _strict(inner, mine)
    if isinstance(inner, exp.In | exp.Column):
        return _strict(inner if isinstance(inner, exp.Column) else inner.this, mine)
    return False


def _strict(node: Node, mine: Callable[[exp.Column], bool]) -> bool:
    """Whether NULL columns of the table surely make the expression NULL."""
    if isinstance(node, exp.Column):
        return mine(node)
    if isinstance(node, exp.Coalesce | exp.Case | exp.If | exp.Nvl2 | exp.Is | exp.Or | exp.And):
        return False
    if isinstance(node, exp.NullSafeEQ | exp.NullSafeNEQ | exp.Anonymous | exp.Concat):
        return False
    return any(_strict(child, mine) for child in node.iter_expressions())


def rename(node: Node, mapping: Mapping[ColumnRef, Node]) -> Node:
    """The expression with columns replaced by other trees."""

    def swap(part: Node) -> Node:
        if isinstance(part, exp.Column):
            found = mapping.get(ColumnRef(part.name, part.table or None))
            return found.copy() if found is not None else part
        return part

    return node.copy().transform(swap)


def replace_nodes(node: Node, pairs: list[tuple[Node, Node]]) -> Node:
    """The expression with subtrees (compared by structure) replaced."""

    def swap(part: Node) -> Node:
        for old, new in pairs:
            if part == old:
                return new.copy()
        return part

    return node.copy().transform(swap)
