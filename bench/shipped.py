"""What the tests that a project ships notice of planted faults, beside what the proof tells.

The tests are those that dbt reads in the project that specmill generates: its data tests, and a
unit test for each example of the spec. They run on the rows of the proof, which flatters them: the
rows of a warehouse tell less.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.measure import Failed
from tools.generate.base import generate
from tools.plan import make_plan
from tools.spec.load import LoadedSpec
from tools.verify.build import model_names
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.verdict import MutationResult
from tools.verify.proof.agree import Case
from tools.verify.proof.compile import Compiled, compile_project
from tools.verify.proof.faults import Field
from tools.verify.proof.fields import Run, usable_runs
from tools.verify.proof.shipped import Noticed, changing_rows, noticed
from tools.verify.worker import DbtWorker


def with_tests(case: Case, loaded: LoadedSpec) -> Case:
    """The code of a spec with the tests that dbt reads in its project.

    Args:
        case: the code, rendered without dbt.
        loaded: its spec.

    Raises:
        Failed: dbt refuses the project.
    """
    theirs = _by_dbt(loaded)
    names = _names(theirs, case.compiled)
    tests = tuple(replace(t, sql=_renamed(t.sql, names)) for t in theirs.tests)
    unit_tests = tuple(
        replace(
            t, given={names.get(relation, relation): rows for relation, rows in t.given.items()}
        )
        for t in theirs.unit_tests
    )
    return replace(case, compiled=replace(case.compiled, tests=tests, unit_tests=unit_tests))


def _by_dbt(loaded: LoadedSpec) -> Compiled:
    """The project as dbt renders it where no table stands yet: its tests do not ask for any."""
    spec = loaded.spec
    artifacts = generate(make_plan(spec, loaded.digest), spec)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for artifact in artifacts:
            file = root / artifact.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(artifact.content, encoding="utf-8", newline="\n")
        with DbtWorker(root / "state") as worker:
            found = compile_project(
                spec, model_names(artifacts), {}, project=root / "generated" / "dbt",
                database=root / "tests.duckdb", worker=worker,
            )  # fmt: skip
    if found.error:
        raise Failed(f"dbt compile: {found.error}")
    return found


def _names(theirs: Compiled, ours: Compiled) -> dict[str, str]:
    """What each relation is called in our rendering, by what dbt calls it."""
    units = {u.name: u.relation for u in ours.units}
    places = {reference: relation for relation, reference in ours.sources.items()}
    found = {u.relation: units[u.name] for u in theirs.units if u.name in units}
    return found | {r: places[ref] for r, ref in theirs.sources.items() if ref in places}


def _renamed(sql: str, names: Mapping[str, str]) -> str:
    for theirs, ours in names.items():
        sql = sql.replace(theirs, ours)
    return sql


def heard(
    case: Case,
    name: str,
    place: Field,
    result: MutationResult,
    *,
    runs: Sequence[Run],
    clock: Clock,
) -> Noticed:
    """What the tests notice of the faults of a unit that give other rows.

    Args:
        case: the code with its tests.
        name: the model.
        place: the unit.
        result: what became of its faults.
        runs: the rows of the proof.
        clock: stops queries that run too long.
    """
    model = case.spec.model_named(name)
    usable = usable_runs(model, name, runs) if model else []
    faults = changing_rows(result.verdicts)
    return noticed(case, place.chain, faults, usable, deadline=math.inf, clock=clock, threads=1)
