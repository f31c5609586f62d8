"""The two tiers that hold the code against the spec: oracle, and mutants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from tools.verify.proof.agree import Case
from tools.verify.proof.compile import compile_project
from tools.verify.proof.engine import Batches
from tools.verify.proof.faults import Field
from tools.verify.proof.fields import Rows, Run, judged_on, judged_series
from tools.verify.proof.scenarios import Scenario, has_state
from tools.verify.proof.smallest import smallest
from tools.verify.proof.verdicts import Refuted, finding_of, verdicts_of, wrong_runs
from tools.verify.worker import DbtWorker

WITNESS_SECONDS = 6.0


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
    """

    case: Case | None = None
    rows: Rows = field(default_factory=Rows)
    runs: list[Run] = field(default_factory=list)
    refuted: dict[str, Refuted] = field(default_factory=dict)
    strengths: dict[str, Strength] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)
    trials: Mapping[str, Sequence[tuple[Field, MutationResult]]] = field(default_factory=dict)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """A verdict for every column."""
        if self.case is None:
            return ()
        return verdicts_of(self.case, self.runs, self.refuted, self.strengths)


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
) -> Proof:
    """Holds the code of a pipeline against an independent reading of its spec.

    Args:
        loaded: the spec.
        artifacts: its code.
        others: specs of models that it reads, by model name.
        project: the dbt project, built in the database.
        database: the DuckDB file.
        worker: a warm dbt.
        progress: told what happens.
        rows: gives the rows to prove with.
    """
    progress("oracle: compiling the models")
    specs = {name: other.spec for name, other in others.items()}
    compiled = compile_project(
        loaded.spec, model_names(artifacts), specs, project=project, database=database,
        worker=worker,
    )  # fmt: skip
    if compiled.error:
        return Proof(not_run=[f"oracle: {compiled.error.strip().splitlines()[0]}"])
    progress("oracle: making rows that tell right from wrong")
    case = Case(loaded.spec, specs, compiled)
    proof = Proof(case, rows())
    progress(f"oracle: {len(proof.rows)} data sets, {len(compiled.units)} models")
    with Engine() as engine, Clock() as clock:
        proof.runs = judged_series(case, proof.rows, engine, clock)
        refute(proof, artifacts, engine, clock)
    return proof


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
