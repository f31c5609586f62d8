"""What a model's SQL and the project's tests say about the values of what it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.sql.analyse import columns_in, conjuncts, equalities
from tools.sql.parse import Node, column, parse_expression
from tools.sql.probes import compared_columns, compared_numbers, probes
from tools.sql.traced import BaseColumn, Traced
from tools.verify.fixtures.bases import Base
from tools.verify.fixtures.bases import BaseColumn as Cell
from tools.verify.fixtures.facts import Equation, Facts, Hint, Promised, link
from tools.verify.project.tables import Relation


@dataclass(frozen=True)
class Kept:
    """What the project's own tests claim of a relation's column or columns.

    Args:
        kind: not_null, unique, accepted_values, relationships.
        relation: whose.
        columns: which.
        values: accepted ones.
        to: relation and column that hold every value.
    """

    kind: str
    relation: str
    columns: tuple[str, ...]
    values: tuple[str, ...] = ()
    to: BaseColumn | None = None


def kept_by_tests(manifest: Mapping[str, Any], names: Mapping[str, str]) -> tuple[Kept, ...]:
    """The claims of generic tests.

    Args:
        manifest: dbt's account of the project.
        names: the relation of each node, by id.
    """
    found = []
    for node in manifest.get("nodes", {}).values():
        about = node.get("test_metadata") or {}
        given = about.get("kwargs") or {}
        if node["resource_type"] != "test" or node["config"].get("where"):
            continue
        owner = names.get(str(node.get("attached_node") or ""), "")
        owner = owner or _tested_source(node, names)
        name = given.get("column_name")
        columns: tuple[str, ...] = (str(name).strip('"').lower(),) if name else ()
        kind = str(about.get("name", ""))
        if kind == "unique_combination_of_columns":
            listed = given.get("combination_of_columns") or ()
            kind, columns = "unique", tuple(str(c).lower() for c in listed)
        if not owner or not columns:
            continue
        values = tuple(str(v) for v in given.get("values") or ())
        to = None
        if kind == "relationships":
            others = [names[i] for i in node["depends_on"]["nodes"] if i in names]
            target = next((o for o in others if o != owner), owner)
            to = (target, str(given.get("field", "")).lower())
        found.append(Kept(kind, owner, columns, values, to))
    return tuple(found)


def _tested_source(node: Mapping[str, Any], names: Mapping[str, str]) -> str:
    below = [names[i] for i in node["depends_on"]["nodes"] if i in names]
    is_source = any(str(i).startswith("source.") for i in node["depends_on"]["nodes"])
    return below[-1] if is_source and below and not node.get("attached_node") else ""


def bases_for(relations: Sequence[Relation], facts: Facts) -> tuple[Base, ...]:
    """The tables to fill."""
    found = []
    for relation in relations:
        cells = tuple(
            Cell(n, kind, (relation.name, n.lower()) not in facts.required)
            for n, kind in relation.columns.items()
        )
        found.append(Base(relation.name, cells, (), feed=False))
    return tuple(found)


def facts_for(
    traces: Sequence[Traced], kept: Sequence[Kept], where: str, *, decided: bool
) -> Facts:
    """What is worth having in the base columns of a model.

    Args:
        traces: of the forms of its query.
        kept: what the project's tests claim of the relations that it reads.
        where: the model's name, for people.
        decided: whether rows of one partition of a window differ in its order.
    """
    facts = Facts()
    for claim in kept:
        _claim(facts, claim)
    for traced in traces:
        _Reader(facts, traced, where).read()
        for at, trees in traced.orders if decided else ():
            places = [traced.plain(at, t) for t in trees]
            tables = {p[0] for p in places if p is not None}
            if len(tables) == 1 and None not in places:
                facts.add_unique(tables.pop(), (p[1] for p in places if p is not None))
    return facts


def _claim(facts: Facts, claim: Kept) -> None:
    places = [(claim.relation, c) for c in claim.columns]
    if claim.kind == "not_null":
        facts.required |= set(places)
    elif claim.kind == "unique":
        facts.add_unique(claim.relation, claim.columns)
        if len(places) == 1:
            facts.identity.add(places[0])
    elif claim.kind == "accepted_values" and claim.values:
        known = facts.hints.setdefault(places[0], [])
        known += [Hint("value", v, f"a test of {claim.columns[0]}") for v in claim.values]
        listed = ", ".join("'" + v.replace("'", "''") + "'" for v in claim.values)
        text = f"({{v}}) is null or cast(({{v}}) as varchar) in ({listed})"
        tree = parse_expression(text, "duckdb", {"v": column(claim.columns[0], claim.relation)})
        facts.promised.setdefault(places[0], []).append(Promised(tree))
    elif claim.kind == "relationships" and claim.to is not None and claim.to != places[0]:
        link(facts.joined, places[0], claim.to)
        facts.whole[places[0]] = claim.to


@dataclass
class _Reader:
    facts: Facts
    traced: Traced
    where: str

    def read(self) -> None:
        for part in self.traced.parts:
            self._hints(part.at, part.tree)
            if part.kind in ("where", "on"):
                self._conditions(part.at, part.tree)
            if part.kind == "output":
                below = self.traced.inlined(part.at, part.tree)
                places = self._places(below)
                if below is not None and len(places) == 1:
                    self.facts.computed.setdefault(places[0], []).append(below)
        self.facts.used |= set(self.traced.found)

    def _places(self, tree: Node | None) -> list[BaseColumn]:
        refs = columns_in(tree) if tree is not None else ()
        return list(dict.fromkeys(((r.table or "").lower(), r.name.lower()) for r in refs))

    def _hints(self, at: int, tree: Node) -> None:
        for probe in probes(tree):
            for place in self.traced.base(at, probe.column):
                known = self.facts.hints.setdefault(place, [])
                if not any((h.kind, h.value) == (probe.kind, probe.value) for h in known):
                    known.append(Hint(probe.kind, probe.value, self.where))
        for side, number in compared_numbers(tree):
            below = self.traced.inlined(at, side)
            places = self._places(below)
            if below is not None and len(places) == 1:
                equation = Equation(below, number, self.where)
                self.facts.equations.setdefault(places[0], []).append(equation)
        for left, right in compared_columns(tree):
            one, two = self.traced.base(at, left), self.traced.base(at, right)
            if len(one) == len(two) == 1 and one != two:
                link(self.facts.compared, one[0], two[0])

    def _conditions(self, at: int, tree: Node) -> None:
        for left, right in equalities(tree):
            one, two = self.traced.base(at, left), self.traced.base(at, right)
            if len(one) == len(two) == 1 and one[0][0] != two[0][0]:
                link(self.facts.joined, one[0], two[0])
        for part in conjuncts(tree):
            below = self.traced.inlined(at, part)
            places = self._places(below)
            if below is not None and len(places) == 1:
                self.facts.wanted.setdefault(places[0], []).append(below)
