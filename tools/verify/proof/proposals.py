"""Unit tests that are proposed where the shipped tests are weak, as text that dbt reads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tools.errors import UsageError
from tools.sql.parse import SqlError
from tools.verify.dataset import Dataset
from tools.verify.mutants.propose import Proposal, propose_unit_tests
from tools.verify.mutants.unit_yaml import unit_tests_yaml
from tools.verify.mutants.verdict import Verdict
from tools.verify.oracle.warehouse import FIRST_LOAD
from tools.verify.proof.agree import Case
from tools.verify.proof.compile import HASH_MACRO, MOMENT_MACRO, Compiled, Unit
from tools.verify.proof.faults import Field
from tools.verify.proof.fields import Run
from tools.verify.proof.shipped import Noticed

_DIGEST = re.compile(r"[0-9a-f]{32}")
_HEAD = "unit_tests:\n"
_MOST_SERIES = 4
_MOST_TESTS = 8


@dataclass(frozen=True)
class Proposed:
    """Unit tests of one unit that are proposed.

    Args:
        tests: in the order in which they were found useful.
        kills: how many of the faults that no shipped test notices they notice.
        text: items of the ``unit_tests:`` list of a properties file.
    """

    tests: tuple[Proposal, ...] = ()
    kills: int = 0
    text: str = ""


def proposed(
    case: Case, place: Field, about: Noticed, runs: Sequence[Run], deadline: float
) -> Proposed:
    """A few unit tests that notice what the shipped tests miss.

    Args:
        case: what is proved.
        place: the unit, and rows on which it is right.
        about: what the shipped tests miss, and what they were not tried on.
        runs: what the code gave.
        deadline: of ``time.monotonic()``.
    """
    unit = place.chain.units[0]
    if not about.missed or not place.series:
        return Proposed()
    wanted = [*about.missed, *about.untried]
    try:
        found = propose_unit_tests(
            place.chain.program,
            [v.mutant for v in wanted],
            _telling(place, wanted),
            name=unit.name,
            prepare=place.chain.prepare,
            deadline=deadline,
            ignore=_digests(unit, runs),
            most=_MOST_TESTS,
        )
    except (SqlError, UsageError):
        return Proposed()
    if not found.tests:
        return Proposed()
    text = unit_tests_yaml(
        found.tests, model=unit.name, inputs=inputs_of(case.compiled),
        program=place.chain.program, moment=_moment(unit),
    )  # fmt: skip
    missed = [v.mutant for v in about.missed]
    kills = sum(m in missed for p in found.tests for m in p.kills)
    return Proposed(found.tests, kills, text.removeprefix(_HEAD))


def inputs_of(compiled: Compiled) -> dict[str, str]:
    """How a unit test calls each relation: ``ref('orders')``, ``source('shop', 'order')``."""
    found = {u.relation: f"ref('{u.name}')" for u in compiled.units}
    for relation, reference in compiled.sources.items():
        source, _, table = reference.rpartition(".")
        found[relation] = f"source('{source}', '{table}')" if source else f"ref('{table}')"
    return found


def _telling(place: Field, missed: Sequence[Verdict]) -> list[Dataset | Sequence[Dataset]]:
    """The rows that tell most of the faults apart come first."""
    counts = Counter(v.by.removesuffix(", rows reversed") for v in missed)
    series = sorted(place.series, key=lambda s: -counts[s[0].name])[:_MOST_SERIES]
    return [s[0] if len(s) == 1 else s for s in series]


def _digests(unit: Unit, runs: Sequence[Run]) -> Collection[str]:
    """Columns of digests: a test that spells them out says nothing to a reader."""
    if HASH_MACRO not in unit.sql:
        return ()
    tables = [t for r in runs for m in r.made if (t := m.tables.get(unit.name)) is not None]
    filled = next((t for t in tables if t.rows), None)
    if filled is None:
        return ()
    columns = zip(filled.names, zip(*filled.rows, strict=True), strict=True)
    return {n for n, values in columns if all(_DIGEST.fullmatch(str(v)) for v in values)}


def _moment(unit: Unit) -> str:
    """The moment of the load, for models that show it."""
    return FIRST_LOAD.isoformat(sep=" ") if MOMENT_MACRO in unit.sql + unit.incremental else ""
