"""The two tiers that hold the code against the spec: oracle, and mutants."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.artifact import Artifact
from tools.findings import Finding, Location
from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.verify.build import model_names
from tools.verify.fixtures.make import Fixtures
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.verdict import MutationResult
from tools.verify.oracle.engine import Engine
from tools.verify.outcome import Strength, Verdict
from tools.verify.proof.agree import Case, subjects_of
from tools.verify.proof.compile import compile_project
from tools.verify.proof.engine import Batches
from tools.verify.proof.faults import Field
from tools.verify.proof.fields import Rows, Run, judged_on, judged_series
from tools.verify.proof.reuse import Former, remember, shown, with_faults
from tools.verify.proof.scenarios import Scenario, has_state
from tools.verify.proof.smallest import smallest
from tools.verify.proof.verdicts import Refuted, finding_of, verdicts_of, wrong_runs
from tools.verify.worker import DbtWorker

WITNESS_SECONDS = 6.0


def _nothing(_: Case) -> Mapping[str, Former]:
    return {}


def _done() -> None:
    return


@dataclass
class Proof:
    """What the proof of one pipeline knows so far.

    Args:
        case: what is proved; None when the code cannot be run.
        rows: what it is tried on.
        runs: what the code gave, and how that was judged.
        refuted: what is wrong.
        strengths: what became of planted faults, by model.
        findings: what to say.
        not_run: what was not checked, and why.
        trials: what became of each planted fault, by model and unit.
        recalled: what a former run showed of units that are as they were, by name.
    """

    case: Case | None = None
    rows: Rows = field(default_factory=Rows)
    runs: list[Run] = field(default_factory=list)
    refuted: dict[str, Refuted] = field(default_factory=dict)
    strengths: dict[str, Strength] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)
    trials: Mapping[str, Sequence[tuple[Field, MutationResult]]] = field(default_factory=dict)
    recalled: Mapping[str, Former] = field(default_factory=dict)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """A verdict for every column."""
        if self.case is None:
            return ()
        known = {n: f.verdicts for n, f in self.recalled.items() if n not in self.refuted}
        return verdicts_of(self.case, self.runs, self.refuted, self.strengths, known)

    def remember(self, state: Path, since: str) -> None:
        """Keeps what was shown in this run, for the next one.

        Args:
            state: the folder where it is kept.
            since: the moment of this run, UTC, ISO 8601.
        """
        if self.case is None:
            return
        found = shown(self.case, self.runs, self.verdicts, since)
        new = {
            n: with_faults(f, n, self.strengths.get(n), self.not_run)
            for n, f in found.items()
            if n not in self.recalled
        }
        remember(state, self.case, new, self.refuted)


def rows_for(spec: Spec, digest: str, others: Mapping[str, Spec], model: str = "") -> Rows:
    """Rows to prove a spec on, or one model of it: same spec, same rows."""
    with Fixtures(spec, digest, others, model=model) as fixtures:
        kept = fixtures.loads() if has_state(fixtures.spec) else ()
        return Rows(fixtures.first(), kept)


def oracle_tier(
    loaded: LoadedSpec,
    artifacts: Sequence[Artifact],
    others: Mapping[str, LoadedSpec],
    *,
    project: Path,
    database: Path,
    worker: DbtWorker,
    progress: Callable[[str], None],
    rows: Callable[[], Rows],
    former: Callable[[Case], Mapping[str, Former]] = _nothing,
    compiled: Callable[[], None] = _done,
) -> Proof:
    """Holds the code of a pipeline against an independent reading of its spec.

    What is as it was in a former run is not judged again.

    Args:
        loaded: the spec.
        artifacts: its code.
        others: specs of models that it reads, by model name.
        project: the dbt project, built in the database.
        database: the DuckDB file.
        worker: a warm dbt.
        progress: told what happens.
        rows: gives the rows to prove with.
        former: gives what a former run showed of units that are as they were.
        compiled: called when dbt is not needed any more.
    """
    progress("oracle: compiling the models")
    specs = {name: other.spec for name, other in others.items()}
    project_code = compile_project(
        loaded.spec, model_names(artifacts), specs, project=project, database=database,
        worker=worker,
    )  # fmt: skip
    compiled()
    if project_code.error:
        return Proof(not_run=[f"oracle: {project_code.error.strip().splitlines()[0]}"])
    case = Case(loaded.spec, specs, project_code)
    proof = _recalling(case, former(case))
    wanted = [n for n in subjects_of(case).names if n not in proof.recalled]
    for name in proof.recalled:
        progress(f"oracle: {name}, unchanged since it was shown")
    if not wanted:
        return proof
    progress("oracle: making rows that tell right from wrong")
    proof.rows = rows()
    progress(f"oracle: {len(proof.rows)} data sets, {', '.join(wanted)}")
    names = [*wanted, *_beside(case, wanted)] if proof.recalled else []
    with Engine() as engine, Clock() as clock:
        proof.runs = judged_series(case, proof.rows, engine, clock, names)
        refute(proof, artifacts, engine, clock)
    return proof


def _recalling(case: Case, former: Mapping[str, Former]) -> Proof:
    """A proof that takes over what a former run showed."""
    strengths = {n: f.strength for n, f in former.items() if f.strength is not None}
    not_run = [line for f in former.values() for line in f.not_run]
    return Proof(case, strengths=strengths, not_run=not_run, recalled=former)


def _beside(case: Case, wanted: Collection[str]) -> list[str]:
    """The units that are looked at by tests of what is judged, so that their rows are there too."""
    tests = [t for t in case.compiled.tests if t.model in wanted or set(t.reads) & set(wanted)]
    return sorted({n for t in tests for n in t.reads} - set(wanted))


def refute(proof: Proof, artifacts: Sequence[Artifact], engine: Engine, clock: Clock) -> None:
    """Finds the fewest rows that show each wrong model to be wrong."""
    case = proof.case
    if case is None:
        return
    for name, run in wrong_runs(proof.runs).items():
        if name in proof.refuted:
            continue
        found = minimised(case, name, run, engine, clock)
        proof.refuted[name] = found
        proof.findings.append(finding_of(case, found, _place(name, artifacts)))


def minimised(case: Case, name: str, run: Run, engine: Engine, clock: Clock) -> Refuted:
    """The fewest rows that show a unit to be wrong in the same way."""
    state = run.judged[name].state

    def still(batches: Batches) -> bool:
        return _once(case, name, batches, engine, clock).judged[name].state == state

    found = smallest(run.scenario.batches, still, WITNESS_SECONDS)
    again = _once(case, name, found, engine, clock)
    return Refuted(name, again, again.judged[name])


def _once(case: Case, name: str, batches: Batches, engine: Engine, clock: Clock) -> Run:
    return judged_on(case, Scenario(name, batches), engine, clock, [name])


def _place(name: str, artifacts: Sequence[Artifact]) -> Location | None:
    found = next((a for a in artifacts if Path(a.path).name == f"{name}.sql"), None)
    return Location(found.path) if found else None
