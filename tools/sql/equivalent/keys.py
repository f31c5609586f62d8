"""What identifies the rows of a select, from the keys of what it reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlglot import exp

from tools.sql.analyse import conjuncts
from tools.sql.equivalent.relation import Output
from tools.sql.equivalent.scope import Scope, Source
from tools.sql.equivalent.types import fits, same_values
from tools.sql.parse import Node

Terms = frozenset[str]


class Rows:
    """The rows that the joins and WHERE of a select leave, before grouping.

    A term is a column as ``alias.column`` or a deterministic expression; see ``Scope.term``.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._equal = list(self._equalities())
        self._constant = frozenset(self._constants())

    def closure(self, terms: Collection[str]) -> set[str]:
        """The terms whose value follows from the values of some terms."""
        known = set(terms) | self._constant
        size = -1
        while size != len(known):
            size = len(known)
            for left, right in self._equal:
                if left in known or right in known:
                    known |= {left, right}
            if self.scope.one_sided:
                for source in self.scope.sources:
                    if self._follows(source, known):
                        known |= {
                            f"{source.alias}.{c.name.lower()}" for c in source.relation.columns
                        }
        return known

    def _follows(self, source: Source, known: set[str]) -> bool:
        """Whether the row of a source, or its absence, follows from known terms."""
        if source.hidden:
            return False
        if not source.absent and any(_named(source, k) <= known for k in source.relation.keys):
            return True
        return self._joined_once(source, known)

    def _joined_once(self, source: Source, known: set[str]) -> bool:
        """Whether ON picks at most one row of a source, by known terms alone."""
        if source.on is None or source.side in ("RIGHT", "FULL"):
            return False
        picked = set()
        for part in conjuncts(source.on):
            sides = _sides(part)
            for mine, other in (sides, sides[::-1]) if sides else ():
                term = self.scope.term(mine)
                if term and term.startswith(f"{source.alias}.") and self._one(mine, other, known):
                    picked.add(term)
        if not any(_named(source, k) <= picked for k in source.relation.keys):
            return False
        others = source.on.find_all(exp.Column)
        return not source.on.find(exp.Query) and all(
            (t := self.scope.term(c)) is not None
            and (t in known or t.startswith(f"{source.alias}."))
            for c in others
        )

    def _one(self, mine: Node, other: Node, known: set[str]) -> bool:
        """Whether at most one value of a column equals the other side."""
        kind = self.scope.type_of(mine)
        if isinstance(other, exp.Literal):
            return fits(kind, other)
        return self.scope.term(other) in known and same_values(kind, self.scope.type_of(other))

    def identified(self, terms: Collection[str]) -> bool:
        """Whether no two rows have the same values in these terms."""
        if not self.scope.plain or not self.scope.sources:
            return False
        known = self.closure(terms)
        return all(
            s.hidden
            or any(_named(s, k) <= known for k in s.relation.keys)
            or (self.scope.one_sided and self._joined_once(s, known))
            for s in self.scope.sources
        )

    def all_terms(self) -> set[str]:
        """Every column of every source."""
        return {
            f"{s.alias}.{c.name.lower()}"
            for s in self.scope.sources
            if not s.hidden
            for c in s.relation.columns
        }

    def _equalities(self) -> Iterator[tuple[str, str]]:
        yield from self._copies()
        for part in self.scope.filters():
            sides = _sides(part)
            if sides:
                left, right = self.scope.term(sides[0]), self.scope.term(sides[1])
                kinds = self.scope.type_of(sides[0]), self.scope.type_of(sides[1])
                if left and right and same_values(*kinds):
                    yield left, right

    def _copies(self) -> Iterator[tuple[str, str]]:
        """Columns that copy one column of one row: by a join of a relation with itself by key."""
        filters = [s for p in self.scope.filters() if (s := _sides(p)) is not None]
        owners = [tuple(self._owner(side) for side in sides) for sides in filters]
        equal = [(a, b) for a, b in owners if a is not None and b is not None]
        for source in self.scope.sources if self.scope.one_sided else ():
            mine = [
                (a, b) if a[0] is source else (b, a) for a, b in equal if source in (a[0], b[0])
            ]
            for other in {theirs[0].alias for _, theirs in mine}:
                pairs = [(a[1], b[1]) for a, b in mine if b[0].alias == other]
                same = [(a, b) for a, b in pairs if a.whole and a.origin and a.origin == b.origin]
                rows = {b.row for _, b in same}
                names = {a.name.lower() for a, _ in same}
                if len(rows) == 1 and any(k <= names for k in source.relation.keys):
                    yield from self._same_row(source, other, rows.pop())

    def _same_row(
        self, source: Source, other: str, row: tuple[int, ...]
    ) -> Iterator[tuple[str, str]]:
        theirs = next(s for s in self.scope.sources if s.alias == other).relation.columns
        for one in source.relation.columns:
            for two in theirs:
                if one.origin is not None and one.origin == two.origin and two.row == row:
                    yield f"{source.alias}.{one.name.lower()}", f"{other}.{two.name.lower()}"

    def _owner(self, node: Node) -> tuple[Source, Output] | None:
        owner = self.scope.resolve(node) if isinstance(node, exp.Column) else None
        return owner if owner is not None and not owner[0].absent else None

    def _constants(self) -> Iterator[str]:
        for part in self.scope.filters():
            sides = _sides(part)
            for one, other in (sides, sides[::-1]) if sides else ():
                term = self.scope.term(one)
                if term and isinstance(other, exp.Literal) and fits(self.scope.type_of(one), other):
                    yield term


def _sides(part: Node) -> tuple[Node, Node] | None:
    if isinstance(part, exp.EQ):
        return part.this.unnest(), part.expression.unnest()
    return None


def _named(source: Source, key: frozenset[str]) -> set[str]:
    return {f"{source.alias}.{name}" for name in key}
