"""A cast of a number to a type with as many digits after the point keeps the number, or fails.

Why: only digits before the point are fewer, and a number that does not fit is an error, so on
rows on which the query gives a result the number is the same. The types of the result's columns
are the same as well, so nobody can see which type the number had on its way.
"""

from __future__ import annotations

from sqlglot import exp

from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.relation import Relation
from tools.sql.equivalent.scope import Scope
from tools.sql.equivalent.types import normal, scale
from tools.sql.parse import Node

NAME = "kept_value"
COST = 2

_SEE_TYPES = {"pg_typeof", "hash", "can_cast_implicitly", "to_json"}


def holds(pair: Pair) -> str | None:
    """The reason why the cast keeps every number, or None."""
    one, other = (n.unalias() for n in pair.place)
    scope = pair.scope
    if scope is None or _sees_types(pair.one):
        return None
    reason = _kept(one, other, scope) or _kept(other, one, scope)
    types = _types(pair.scopes.result(pair.one))
    seen = types is None or types != _types(pair.others.result(pair.other))
    return None if seen else reason


def _kept(cast: Node, bare: Node, scope: Scope) -> str | None:
    if not isinstance(cast, exp.Cast) or cast.this.unnest() != bare.unnest():
        return None
    kind, own = normal(cast.to.sql("duckdb")), scope.type_of(bare)
    if scale(kind) is None or scale(kind) != scale(own):
        return None
    return f"{bare.sql('duckdb')} is {own}: {kind} holds it as it is, or fails"


def _sees_types(tree: Node) -> bool:
    return any(call.name.lower() in _SEE_TYPES for call in tree.find_all(exp.Anonymous)) or (
        tree.find(exp.Typeof, exp.JSONObject, exp.Struct) is not None
    )


def _types(relation: Relation) -> list[str] | None:
    kinds = [c.type for c in relation.columns]
    return None if None in kinds or not relation.complete else [str(k) for k in kinds]
