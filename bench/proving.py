"""What the proof of pipelines shows, and what it costs: the specs in ``bench/proof``.

They are rendered here as dbt would render it, so that dbt's own seconds are not measured.
Seconds are those of the processor: they mean the same on a machine that does other things as well.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bench import lies as falsehoods
from bench.measure import ROOT, Table
from tests.tools.verify.proof.compiled import case_of
from tools.spec.load import LoadedSpec, load_spec
from tools.spec.model import Spec
from tools.spec.resolve import resolve
from tools.sql.quiet import without_warnings
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.verdict import MutationResult, Tally
from tools.verify.oracle.engine import Engine
from tools.verify.proof.agree import Case
from tools.verify.proof.beyond import REASONS
from tools.verify.proof.faults import Field, planted, try_faults
from tools.verify.proof.fields import Run, fields_of, judged_series
from tools.verify.proof.tier import rows_for

FOLDER = ROOT / "bench" / "proof"
SPECS = ("warehouse", "ledger")
_QUICK = ("stg_customer", "stg_order")
_EVER = 1e9


@dataclass
class Proved:
    """What became of the faults of one model.

    Args:
        model: its name.
        trials: its units, each with what became of its faults.
        seconds: of the processor, by part.
        case: the code.
        runs: the rows that it was proved on, and how that was judged.
    """

    model: str
    trials: list[tuple[Field, MutationResult]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    case: Case | None = None
    runs: Sequence[Run] = ()

    def count(self, name: str) -> int:
        """Faults of all units by what became of them."""
        return sum(int(getattr(result.tally, name)) for _, result in self.trials)

    @property
    def beyond(self) -> int:
        """Faults that the claim does not cover."""
        found = (v for _, r in self.trials for v in r.of("not_tried"))
        return sum(v.detail in REASONS for v in found)

    @property
    def total(self) -> float:
        """All seconds."""
        return sum(self.seconds.values())


def measure(*, quick: bool) -> tuple[Table, ...]:
    """Kill rates, survivors by operator, false proofs, seconds and how they grow."""
    proved: list[Proved] = []
    specs = [resolve(load_spec(FOLDER / f"{name}.yaml"), []) for name in SPECS]
    with without_warnings():
        for loaded in specs[:1] if quick else specs:
            case = case_of(loaded.spec)
            names = _QUICK if quick else tuple(m.name for m in loaded.spec.models)
            proved += [prove(case, loaded, name) for name in names]
        tables = (kills(proved), survivors(proved), lies(proved, 2 if quick else 24))
        return (*tables, seconds(proved), *(() if quick else (columns(), models(specs[0]))))


def prove(case: Case, loaded: LoadedSpec, name: str) -> Proved:
    """Makes rows for a model, holds it against the spec on them, and plants faults in it."""
    found = Proved(name)
    with Engine() as engine, Clock() as clock:
        with _timed(found, "rows"):
            rows = rows_for(loaded.spec, loaded.digest, case.others, name)
        with _timed(found, "oracle"):
            runs = judged_series(case, rows, engine, clock, [name])
        found.case, found.runs = case, runs
        with _timed(found, "faults"):
            for place in fields_of(case, runs, only=[name])[name]:
                until = time.monotonic() + _EVER
                found.trials.append((place, try_faults(place, planted(place), until, clock)))
    return found


@contextlib.contextmanager
def _timed(found: Proved, part: str) -> Iterator[None]:
    started = time.process_time()
    yield
    found.seconds[part] = time.process_time() - started


def kills(proved: Sequence[Proved]) -> Table:
    """The rate among faults that are not shown to be harmless, by model."""
    rows = [_kills(p.model, [p]) for p in proved]
    heads = ("model", "faults", "killed", "survive", "harmless", "not claimed", "kill rate")
    note = (
        "Harmless: a named argument shows that no rows can tell. Not claimed: in what a change log "
        "notes of itself. Neither counts in the rate."
    )
    return Table("Faults killed by the proof", heads, (*rows, _kills("all", proved)), (note,))


def _kills(name: str, proved: Sequence[Proved]) -> tuple[str, ...]:
    killed, left, harmless = (
        sum(p.count(what) for p in proved) for what in ("killed", "undecided", "equivalent")
    )
    beyond = sum(p.beyond for p in proved)
    rate = Tally(killed=killed, undecided=left).rate
    every = killed + left + harmless + beyond
    counts = (every, killed, left, harmless, beyond)
    return (name, *map(str, counts), "" if rate is None else f"{rate:.1%}")


def survivors(proved: Sequence[Proved]) -> Table:
    """What survives, by operator: it says what to do."""
    found: dict[str, list[str]] = {}
    for each in proved:
        for verdict in (v for _, r in each.trials for v in r.of("undecided")):
            line = f"{each.model}: {verdict.mutant.description}".replace("|", "/")
            found.setdefault(verdict.mutant.operator, []).append(line)
    rows = tuple((name, str(len(some)), some[0]) for name, some in sorted(found.items()))
    return Table("Faults that survive", ("operator", "faults", "such as"), rows)


def lies(proved: Sequence[Proved], datasets: int) -> Table:
    """Faults that pass the proof, as code or as harmless, and are seen on rows made without it."""
    found = []
    for each in proved:
        judge = falsehoods.Judge(each.case, each.model, each.runs) if each.case else None
        for place, result in each.trials:
            found.append(falsehoods.counted(judge, place, result.verdicts, datasets))
    tried, passed, harmless = (
        sum(getattr(c, n) for c in found) for n in ("tried", "passed", "harmless")
    )
    told, wrong = ([t for c in found for t in getattr(c, n)] for n in ("told", "lies"))
    rows = (
        ("shown to be harmless", str(harmless), str(harmless), str(len(wrong))),
        ("judged as code", str(tried), str(passed), str(len(told))),
    )
    note = (
        f"Seen on {datasets} data sets each of random rows that keep what is declared; of models "
        "that keep rows the faults are judged, and not tried on random rows."
    )
    heads = ("faults", "tried", "pass the proof", "seen on random rows")
    return Table("False proofs", heads, rows, (note, *(f"Seen: {text}" for text in told)))


def seconds(proved: Sequence[Proved]) -> Table:
    """The processor's seconds a model, and of the whole spec."""
    parts = ("rows", "oracle", "faults")
    rows = [(p.model, *(f"{p.seconds[n]:.2f}" for n in parts), f"{p.total:.2f}") for p in proved]
    sums = [sum(p.seconds[n] for p in proved) for n in parts]
    rows.append(("all", *(f"{s:.2f}" for s in sums), f"{sum(sums):.2f}"))
    every = sorted(p.total for p in proved)
    at = min(len(every) - 1, round(0.95 * (len(every) - 1)))
    note = f"A model: median {statistics.median(every):.2f} s, 95th percentile {every[at]:.2f} s."
    return Table("Seconds of the processor", ("model", *parts, "all"), tuple(rows), (note,))


def columns() -> Table:
    """How seconds grow with the columns of a table."""
    rows = []
    for count in (10, 50, 150, 300):
        spec = wide(count)
        found = prove(case_of(spec), _loaded(spec), "m")
        rows.append((str(count), str(found.count("killed")), f"{found.total:.2f}"))
    return Table("Growth with columns", ("columns", "faults killed", "s"), tuple(rows))


def models(loaded: LoadedSpec) -> Table:
    """How seconds grow with the models of a spec."""
    rows = []
    for count in (2, 4, 7):
        part = loaded.spec.model_copy(update={"models": loaded.spec.models[:count]})
        case, started = case_of(part), time.process_time()
        rows_made = rows_for(part, loaded.digest, {})
        made = time.process_time()
        with Engine() as engine, Clock() as clock:
            judged_series(case, rows_made, engine, clock)
        done = time.process_time()
        rows.append((str(count), f"{made - started:.2f}", f"{done - made:.2f}"))
    return Table("Growth with models", ("models", "rows", "oracle"), tuple(rows))


def _loaded(spec: Spec) -> LoadedSpec:
    return LoadedSpec(spec, "wide.yaml", ROOT / "wide.yaml", (), {})


def wide(count: int) -> Spec:
    """A spec of one table that is as wide, and one model that filters it."""
    cells = [{"name": f"c{n}", "type": "integer", "nullable": n > 0} for n in range(count)]
    outputs = [{"name": f"c{n}", "type": "integer", "nullable": n > 0} for n in range(count)]
    table = {"name": "t", "columns": cells, "primary_key": ["c0"]}
    model = {"name": "m", "from": "s.t", "grain": ["c0"], "columns": outputs, "where": "c1 > 5"}
    source = {"name": "s", "system": "x", "tables": [table]}
    return Spec.model_validate({"pipeline": "wide", "sources": [source], "models": [model]})
