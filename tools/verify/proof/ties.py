"""Code whose rows depend on how the database breaks ties is not right, even where it was lucky."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from tools.sql.equivalent.facts import Declared
from tools.sql.parse import SqlError
from tools.sql.ties import other_orders
from tools.verify.compare import Difference, difference
from tools.verify.dataset import Table
from tools.verify.mutants.clock import Clock
from tools.verify.proof.agree import Case, Judged, key_of, without
from tools.verify.proof.compile import Unit
from tools.verify.proof.engine import Batches, House, Made
from tools.verify.proof.known import declared_for
from tools.verify.proof.scenarios import Scenario

BY_CHANCE: Final = "a window orders rows that tie, and another order of theirs gives other rows"
"""Why a model is refuted whose rows were right by luck."""

_SINGLE, _SERIES = 4, 1  # scenarios: each costs two more runs of every model that leaves ties open


@dataclass(frozen=True)
class Chances:
    """What a pipeline leaves to chance: its units with their ties in other orders.

    Args:
        case: what is proved.
    """

    case: Case
    _known: dict[str, list[Unit]] = field(default_factory=dict)

    def refuted(
        self, judged: Mapping[str, Judged], batches: Batches, made: Sequence[Made], clock: Clock
    ) -> dict[str, Judged]:
        """What was judged, and refuted where another order of ties gives other rows.

        Args:
            judged: how the code compares with the spec.
            batches: what the sources held at each load.
            made: what the code gave on them.
            clock: stops queries that run too long.
        """
        found = dict(judged)
        for name, word in judged.items():
            for other in self._others(name) if word.state == "same" else ():
                wrong = self._differs(other, made, self._run(other, batches, made, clock))
                if wrong is not None:
                    found[name] = wrong
                    break
        return found

    def _others(self, name: str) -> list[Unit]:
        if name not in self._known:
            unit = self.case.compiled.unit(name)
            self._known[name] = _others(self.case, unit) if unit is not None else []
        return self._known[name]

    def _run(
        self, other: Unit, batches: Batches, made: Sequence[Made], clock: Clock
    ) -> Iterator[Made]:
        """The unit after each load, on what the code gave for the tables that it reads."""
        compiled = self.case.with_code(other).compiled
        below = [u for u in compiled.units if u.name in other.reads]
        with House(compiled, self.case.spec, clock) as house:
            for batch, before in zip(batches, made, strict=True):
                given = {u.name: before.tables[u.name] for u in below if u.name in before.tables}
                rows = replace(batch, tables={**batch.tables, **given})
                yield house.load(rows, [*below, other], [other.name])

    def _differs(self, other: Unit, made: Sequence[Made], runs: Iterator[Made]) -> Judged | None:
        model = self.case.spec.model_named(other.name)
        for at, (one, two) in enumerate(zip(made, runs, strict=True)):
            lucky, unlucky = one.tables.get(other.name), two.tables.get(other.name)
            if lucky is None or unlucky is None:
                return None  # such as a query that does not bind when it is written out
            found = _difference(lucky, unlucky, key_of(model) if model is not None else ())
            if found is not None:
                return Judged("differs", BY_CHANCE, found, at)
        return None


def most_tied(scenarios: Sequence[Scenario]) -> list[Scenario]:
    """The scenarios in which most values come again, of one load and of several."""
    found: list[Scenario] = []
    for several in (False, True):
        kind = [s for s in scenarios if (len(s.batches) > 1) == several]
        found += sorted(kind, key=_repeated, reverse=True)[: _SERIES if several else _SINGLE]
    return found


def _repeated(scenario: Scenario) -> int:
    columns = (
        [repr(row[at]) for row in table.rows]
        for table in scenario.batches[0].tables.values()
        for at in range(len(table.columns))
    )
    return sum(len(values) - len(set(values)) for values in columns)


def _others(case: Case, unit: Unit) -> list[Unit]:
    """The unit with its ties in other orders; none where its windows leave nothing to chance."""
    if " over" not in unit.sql.lower() + unit.incremental.lower():
        return []
    facts = declared_for(case, unit)
    first, later = (_orders(sql, facts) for sql in (unit.sql, unit.incremental))
    if not first and not later:
        return []
    firsts, laters = first or (unit.sql,) * 2, later or (unit.incremental,) * 2
    pairs = zip(firsts, laters, strict=True)
    return [replace(unit, sql=one, incremental=two) for one, two in pairs]


def _orders(sql: str, facts: Mapping[str, Declared]) -> tuple[str, ...]:
    try:
        return other_orders(sql, facts) if sql else ()
    except SqlError:
        return ()


def _difference(one: Table, other: Table, key: Sequence[str]) -> Difference | None:
    def hidden(column: str) -> bool:
        return column.startswith("_")

    return difference(without(one, hidden), without(other, hidden), tuple(key))
