"""What a spec gives away about the values of its source columns, for rows that are made up.

Made-up rows have to reach the code (join partners, values that expressions compare to) and must not
break what the spec promises of real data: a column that feeds a ``not_null`` output has no NULL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.spec.scope import expression_of, parse_in_scope, relation
from tools.spec.transform import ColumnTest, Join, Model, OutputColumn
from tools.sql.analyse import ColumnRef, columns_in, equalities, functions_in
from tools.sql.parse import Node, SqlError
from tools.sql.static import compared_literals
from tools.verify.origins import Origin, Origins

Place = tuple[str, str]
"""A source column: ``source.table`` and column, in lower case."""


@dataclass
class Facts:
    """What is known of source columns; filled while the specs are read.

    Args:
        literals: values worth having.
        restricted: columns that hold nothing but their literals.
        required: columns without NULL.
        unique: sets of columns of a table that are unique together.
        whole: columns whose every value has a partner in the joined table.
        covering: columns in which every value of those they are joined to occurs.
        groups: columns that are joined on each other, as a union-find forest.
    """

    literals: dict[Place, list[str]] = field(default_factory=dict)
    restricted: set[Place] = field(default_factory=set)
    required: set[Place] = field(default_factory=set)
    unique: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    whole: set[Place] = field(default_factory=set)
    covering: set[Place] = field(default_factory=set)
    groups: dict[Place, Place] = field(default_factory=dict)

    def root(self, place: Place) -> Place:
        """The representative of a column's group."""
        while self.groups.get(place, place) != place:
            place = self.groups[place]
        return place

    def link(self, left: Place, right: Place) -> None:
        """Says that two columns hold the same values."""
        self.groups.setdefault(left, left)
        self.groups.setdefault(right, right)
        self.groups[max(self.root(left), self.root(right))] = min(self.root(left), self.root(right))

    def add_literal(self, place: Place, value: str) -> None:
        """Adds a value worth having, once."""
        known = self.literals.setdefault(place, [])
        if value not in known:
            known.append(value)


def facts_of(specs: Sequence[LoadedSpec]) -> Facts:
    """Reads the specs."""
    facts = Facts()
    others = {m.name: s.spec for s in specs for m in s.spec.models}
    for loaded in specs:
        origins = Origins(loaded.spec, others)
        _keys(facts, loaded.spec)
        for model in loaded.spec.models:
            _Reader(facts, loaded.spec, model, origins, others).read()
    return facts


def _keys(facts: Facts, spec: Spec) -> None:
    for source in spec.sources:
        for table in source.tables:
            name = f"{source.name}.{table.name}".lower()
            key = tuple(k.lower() for k in table.primary_key)
            if key:
                facts.unique.setdefault(name, []).append(key)
            required = {*key, *(c.name.lower() for c in table.columns if not c.nullable)}
            required |= {(n or "").lower() for n in (table.cursor, table.loaded_at)}
            facts.required |= {(name, column) for column in required}
            if table.operation:
                place = (name, table.operation.column.lower())
                facts.required.add(place)
                facts.restricted.add(place)
                for value in ("I", "U", table.operation.deleted[0]):
                    facts.add_literal(place, value)


@dataclass
class _Reader:
    facts: Facts
    spec: Spec
    model: Model
    origins: Origins
    others: Mapping[str, Spec]

    def read(self) -> None:
        for tree in self._trees():
            for ref, value in compared_literals(tree):
                for origin in self.origins.of_ref(self.model, ref):
                    self.facts.add_literal(origin.place, value)
        promised = {n.lower() for n in (*self.model.grain, *self.model.load.key)}
        promised.add((self.model.load.effective_at or "").lower())
        for column in self.model.columns:
            self._column(column, required=column.name.lower() in promised)
        for key in self.model.group_by:
            table, _, name = key.rpartition(".")
            self._require(self.origins.of_ref(self.model, ColumnRef(name, table or None)))
        for join in self.model.joins:
            self._join(join)

    def _trees(self) -> Iterator[Node]:
        scope = self.origins.scope(self.model)
        texts = [self.model.where, self.model.having, *(m.expr for m in self.model.aggregations)]
        texts += [j.on for j in self.model.joins]
        texts += [c.expr for c in self.spec.validation.checks if c.model == self.model.name]
        for text in texts:
            if text:
                try:
                    yield parse_in_scope(self.spec, text, scope, self.model.alias)
                except SqlError:
                    continue  # lint has said so; here it only means one hint less
        for join in self.model.joins:
            inner = {join.alias: relation(self.spec, join.to, join.alias, self.others)}
            texts = [
                join.filter,
                *(m.expr for m in (join.aggregate.columns if join.aggregate else [])),
            ]
            for text in texts:
                if text:
                    try:
                        yield parse_in_scope(self.spec, text, inner, join.alias)
                    except SqlError:
                        continue
        for column in self.model.columns:
            tree = self._expression(column)
            if tree is not None:
                yield tree

    def _expression(self, column: OutputColumn) -> Node | None:
        try:
            return expression_of(self.spec, self.model, column, self.others)
        except SqlError:
            return None

    def _column(self, column: OutputColumn, *, required: bool) -> None:
        found = self.origins.of(self.model, column.name)
        tree = self._expression(column)
        promised = required or not column.nullable or "not_null" in column.tests
        replaces = {"coalesce", "if_null", "ifnull"}
        if promised and (tree is None or not replaces & set(functions_in(tree))):
            self._require(found)
            self._expect_partners(tree)
        if "unique" in column.tests and len(found) == 1 and found[0].plain:
            self.facts.unique.setdefault(found[0].place[0], []).append((found[0].place[1],))
        for test in column.tests:
            if isinstance(test, ColumnTest):
                self._test(test, found, tree)

    def _test(self, test: ColumnTest, found: Sequence[Origin], tree: Node | None) -> None:
        as_it_is = tree is not None and len(found) == 1 and not compared_literals(tree)
        if test.accepted_values is not None and as_it_is:
            self.facts.restricted.add(found[0].place)
            for value in test.accepted_values:
                self.facts.add_literal(found[0].place, str(value))
        if test.relationships is not None and len(found) == 1:
            owner = self.spec.model_named(test.relationships.to)
            there = self.origins.of(owner, test.relationships.field) if owner else ()
            if len(there) == 1 and there[0].place != found[0].place:
                self.facts.link(found[0].place, there[0].place)
                self.facts.whole.add(found[0].place)

    def _require(self, found: Sequence[Origin]) -> None:
        self.facts.required |= {o.place for o in found}

    def _expect_partners(self, tree: Node | None) -> None:
        """A required output from a left-joined table: every row has to find its partner."""
        tables = {(r.table or "").lower() for r in columns_in(tree)} if tree is not None else set()
        for join in self.model.joins:
            if join.alias.lower() in tables and join.type == "left":
                for mine, theirs in self._pairs(join):
                    self.facts.whole.add(mine.place)
                    self.facts.covering.add(theirs.place)
                    self.facts.required |= {mine.place, theirs.place}

    def _join(self, join: Join) -> None:
        pairs = self._pairs(join)
        for mine, theirs in pairs:
            if mine.place != theirs.place:
                self.facts.link(mine.place, theirs.place)
        one = join.cardinality in ("many_to_one", "one_to_one")
        if one and pairs and not (join.pick or join.aggregate) and self._one_to_one(join.to):
            table = pairs[0][1].place[0]
            key = tuple(theirs.place[1] for _, theirs in pairs if theirs.place[0] == table)
            self.facts.unique.setdefault(table, []).append(key)

    def _one_to_one(self, reference: str, depth: int = 20) -> bool:
        """Whether a relation has one row for each row of the source table under it."""
        model = self.spec.model_named(reference)
        if model is None or not depth:
            return self.spec.source_table(reference) is not None
        reshaped = model.is_aggregate or model.dedupe is not None or model.load.strategy == "scd2"
        return not reshaped and self._one_to_one(model.from_, depth - 1)

    def _pairs(self, join: Join) -> list[tuple[Origin, Origin]]:
        """The source columns that a join sets equal: (of the rows so far, of the joined table)."""
        if not join.on:
            return []
        try:
            tree = parse_in_scope(
                self.spec, join.on, self.origins.scope(self.model), self.model.alias
            )
        except SqlError:
            return []
        pairs = []
        for left, right in equalities(tree):
            joined = [r for r in (left, right) if (r.table or "").lower() == join.alias.lower()]
            rest = [r for r in (left, right) if (r.table or "").lower() != join.alias.lower()]
            if len(joined) == 1 and len(rest) == 1:
                mine = self.origins.of_ref(self.model, rest[0])
                theirs = self.origins.of_ref(self.model, joined[0])
                if len(mine) == 1 and len(theirs) == 1:
                    pairs.append((mine[0], theirs[0]))
        return pairs
