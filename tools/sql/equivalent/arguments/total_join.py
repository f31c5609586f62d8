"""A left join is an inner one where every row has a partner.

Why: the joined column is not NULL and copies a column whose values are all on the other side: by
a declared relationship, or because both sides are made of the same relation and the other one
keeps every value.
"""

from __future__ import annotations

from sqlglot import exp

from tools.sql.analyse import conjuncts
from tools.sql.equivalent.facts import declared_name
from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.relation import Output
from tools.sql.equivalent.scope import Scope, Source
from tools.sql.equivalent.types import same_values
from tools.sql.parse import Node

NAME = "total_join"
COST = 1

Match = tuple[Output, Output]
"""A column of what came before, and the one of the joined source that it is set equal to."""


def holds(pair: Pair) -> str | None:
    """The reason why every row finds a partner, or None."""
    one, other = pair.place
    scope = pair.scope
    if not isinstance(one, exp.Join) or not isinstance(other, exp.Join) or scope is None:
        return None
    if not pair.only("side", "kind") or {one.side or "", other.side or ""} != {"", "LEFT"}:
        return None
    if not scope.one_sided or {str(j.kind or "") for j in (one, other)} - {"", "INNER", "OUTER"}:
        return None
    source = next((s for s in scope.sources if s.join is one), None)
    return partner(pair, scope, source) if source is not None else None


def partner(pair: Pair, scope: Scope, source: Source) -> str | None:
    """Why every row of what came before finds a partner in a source, or None."""
    matches = _matches(scope, source)
    return _reason(pair, matches) if matches else None


def _matches(scope: Scope, source: Source) -> list[Match] | None:
    """What ON sets equal, when that is all it says; the left columns all of one source."""
    found: list[Match] = []
    owners = set()
    for part in conjuncts(source.on) if source.on is not None else ():
        if not isinstance(part, exp.EQ):
            return None
        sides = [_owner(scope, s) for s in (part.this, part.expression)]
        if sides[0] is None or sides[1] is None:
            return None
        mine, theirs = sides if sides[1][0].alias == source.alias else sides[::-1]
        if mine is None or theirs is None or theirs[0].alias != source.alias:
            return None
        if mine[0].alias == source.alias or mine[0].absent or mine[1].nullable:
            return None
        if not same_values(mine[1].type, theirs[1].type):
            return None
        owners.add(mine[0].alias)
        found.append((mine[1], theirs[1]))
    return found if len(owners) == 1 else None


def _owner(scope: Scope, node: Node) -> tuple[Source, Output] | None:
    inner = node.unnest()
    return scope.resolve(inner) if isinstance(inner, exp.Column) else None


def _reason(pair: Pair, matches: list[Match]) -> str | None:
    if not all(theirs.whole and theirs.origin and mine.origin for mine, theirs in matches):
        return None
    if len(matches) > 1 and not all(mine.whole for mine, _ in matches):
        return None  # the columns might copy different rows
    froms = {m.origin[0] for m, _ in matches if m.origin}
    tos = {t.origin[0] for _, t in matches if t.origin}
    if len(froms) != 1 or len(tos) != 1:
        return None
    pairs = {(m.origin[1], t.origin[1]) for m, t in matches if m.origin and t.origin}
    left, right = froms.pop(), tos.pop()
    if left == right and all(a == b for a, b in pairs):
        return f"both sides hold every value of {left}.{', '.join(sorted(a for a, _ in pairs))}"
    for reference in pair.scopes.facts[left].references if left in pair.scopes.facts else ():
        given = zip(reference.columns, reference.to_columns, strict=True)
        same = {(a.lower(), b.lower()) for a, b in given} == pairs
        if same and declared_name(pair.scopes.facts, reference.to) == right:
            return f"{left} references {right} by {', '.join(reference.columns)}"
    return None
