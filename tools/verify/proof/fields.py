"""The rows that a model reads on each data set, as the code made them: where faults are tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tools import layout
from tools.spec.scope import surrogate_key, table_columns
from tools.spec.transform import Model
from tools.sql.mutate.program import THIS
from tools.verify.dataset import Dataset
from tools.verify.mutants.clock import Clock
from tools.verify.oracle.engine import Engine
from tools.verify.proof.agree import Case, Judged, judge, subjects_of
from tools.verify.proof.chain import Chain
from tools.verify.proof.compile import Unit
from tools.verify.proof.engine import Made, preparing, run_loads
from tools.verify.proof.faults import Field
from tools.verify.proof.known import facts_of, own_facts, plain
from tools.verify.proof.scenarios import Scenario, loads, single
from tools.verify.proof.ties import Chances, most_tied


@dataclass(frozen=True)
class Run:
    """A scenario, what the code gave and how that was judged, by unit."""

    scenario: Scenario
    made: Sequence[Made]
    judged: Mapping[str, Judged]


@dataclass(frozen=True)
class Rows:
    """What the proof is made on.

    Args:
        datasets: each loaded once, into an empty place.
        sequences: loads that come one after the other.
    """

    datasets: tuple[Dataset, ...] = ()
    sequences: tuple[tuple[Dataset, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.datasets) + len(self.sequences)


def judged_series(
    case: Case, rows: Rows, engine: Engine, clock: Clock, names: Sequence[str] = ()
) -> list[Run]:
    """Runs the code on data sets, alone and in sequence, and holds it against the spec.

    Only models that keep rows are judged on a sequence. Code that once took too long is not run
    again: what never ends would take as long on every data set.

    Args:
        case: what is proved.
        rows: what it is proved on.
        engine: of the oracle.
        clock: stops queries that run too long.
        names: units to judge; all if empty.
    """
    kept = [
        n
        for n, m in subjects_of(case).models.items()
        if m.load.strategy != "full" and (not names or n in names)
    ]
    wanted = [(s, names) for s in single(rows.datasets)]
    wanted += [(s, kept) for s in loads(rows.sequences)] if kept else []
    found = []
    tied, chances = most_tied([s for s, _ in wanted]), Chances(case)
    for scenario, judged in wanted:
        found.append(
            judged_on(case, scenario, engine, clock, judged, chances=chances, ties=scenario in tied)
        )
        case = _without_late(case, found[-1])
    return found


def _without_late(case: Case, run: Run) -> Case:
    """The code without what took too long in a run."""
    for name, failure in ((n, f) for made in run.made for n, f in made.failed.items()):
        unit = case.compiled.unit(name)
        if unit is not None and failure.kind == "time" and not unit.problem:
            case = case.with_code(replace(unit, problem=failure.message))
    return case


def judged_on(
    case: Case,
    scenario: Scenario,
    engine: Engine,
    clock: Clock,
    names: Sequence[str],
    *,
    chances: Chances | None = None,
    ties: bool = True,
) -> Run:
    """One scenario run and judged, for some units or all.

    Args:
        case: what is proved.
        scenario: the loads.
        engine: of the oracle.
        clock: stops queries that run too long.
        names: units to judge; all if empty.
        chances: what the code leaves to chance, when that is known already.
        ties: whether ties are tried in other orders, too.
    """
    made = run_loads(case.compiled, case.spec, scenario.batches, clock, only=names)
    judged = judge(case, scenario.batches, engine, clock, names=names, made=made)
    if ties:
        judged = (chances or Chances(case)).refuted(judged, scenario.batches, made, clock)
    return Run(scenario, made, judged)


def fields_of(
    case: Case, runs: Sequence[Run], *, only: Sequence[str] = (), threads: int = 2
) -> dict[str, list[Field]]:
    """Where the faults of each model are tried; a history has two units that can be wrong."""
    found: dict[str, list[Field]] = {}
    for name, model in subjects_of(case).models.items():
        if only and name not in only:
            continue
        usable = usable_runs(model, name, runs)
        if model.load.strategy != "scd2":  # whose faults take long, and show in its loads
            # What is done to single rows is best seen on the many kinds of them, loaded once.
            usable += [r for r in _right(name, runs) if r not in usable]
        found[name] = [_field(case, chain, usable, threads) for chain in chains_of(case, model)]
    return found


def _field(case: Case, chain: Chain, runs: Sequence[Run], threads: int) -> Field:
    rows = [_rows(case, chain, r) for r in runs]
    facts = facts_of(case, rows)
    tables = [m.tables.get(chain.units[0].name) for r in runs for m in r.made]
    if chain.units[0].incremental and any(tables):  # else faults of both forms are others
        facts[THIS] = own_facts(case, chain.units[0], [t for t in tables if t is not None])
    model = case.spec.model_named(chain.units[-1].name)
    free = (surrogate_key(model).lower(),) if model is not None else ()
    return Field(chain, rows, facts, threads, free)


def usable_runs(model: Model, name: str, runs: Sequence[Run]) -> list[Run]:
    """The runs on which a model is right; of one that keeps rows, those of several loads."""
    stateful = model.load.strategy != "full"
    return [r for r in _right(name, runs) if (len(r.scenario.batches) > 1) == stateful]


def _right(name: str, runs: Sequence[Run]) -> list[Run]:
    return [r for r in runs if (j := r.judged.get(name)) is not None and j.state == "same"]


def chains_of(case: Case, model: Model) -> list[Chain]:
    """What runs to see a fault in each unit of a model."""
    unit = case.compiled.unit(model.name)
    if unit is None or unit.problem:
        return []
    prepare = preparing(case.compiled)
    if model.load.strategy != "scd2":
        return [Chain((unit,), (), _reads(case, (unit,)), prepare)]
    columns = _counted(case, model)
    chains = [Chain((unit,), columns, _reads(case, (unit,)), prepare)]
    log = case.compiled.unit(layout.change_log_name(model))
    if log is not None and not log.problem:
        chains.insert(0, Chain((log, unit), columns, _reads(case, (log, unit)), prepare))
    return chains


def _counted(case: Case, model: Model) -> tuple[str, ...]:
    own = surrogate_key(model).lower()
    names = [c.name for c in table_columns(case.spec, model, case.others)]
    return tuple(n for n in names if n.lower() != own and not n.startswith("_"))


def _reads(case: Case, units: Sequence[Unit]) -> tuple[str, ...]:
    """The relations that units read and do not make, by plain name."""
    made = {u.name for u in units}
    below = [n for u in units for n in u.reads if n not in made]
    relations = [u.relation for n in dict.fromkeys(below) if (u := case.compiled.unit(n))]
    texts = " ".join(u.sql + u.incremental for u in units)
    relations += [s for s in case.compiled.sources if s in texts]
    return tuple(plain(r) for r in relations)


def _rows(case: Case, chain: Chain, run: Run) -> list[Dataset]:
    """The rows of the relations that a chain reads, load by load."""
    names = {plain(u.relation): u.name for u in case.compiled.units}
    sources = {plain(relation): ref for relation, ref in case.compiled.sources.items()}
    found = []
    for batch, made in zip(run.scenario.batches, run.made, strict=True):
        tables = {}
        for relation in chain.others:
            reference = sources.get(relation)
            table = batch.table(reference) if reference else made.tables.get(names[relation])
            if table is not None:
                tables[relation] = table
        found.append(Dataset(tables, name=run.scenario.name))
    return found
