"""What the proof of pipelines shows, and what it costs: the specs in ``bench/proof``.

They are rendered here as dbt would render it, so that dbt's own seconds are not measured; their
tests are dbt's.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence

from bench import growth, shipped
from bench import lies as falsehoods
from bench.measure import ROOT, Table
from bench.proved import PARTS, Proved, prove
from tests.tools.verify.proof.compiled import case_of
from tools.spec.load import LoadedSpec, load_spec
from tools.spec.resolve import resolve
from tools.sql.mutate.mutant import Mutant
from tools.sql.quiet import without_warnings
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.verdict import Tally
from tools.verify.proof.shipped import changing_rows

FOLDER = ROOT / "bench" / "proof"
SPECS = ("warehouse", "ledger")
_QUICK = ("stg_customer", "stg_order")
_DATASETS, _FEW_DATASETS = 24, 2


def measure(*, quick: bool) -> tuple[Table, ...]:
    """Kill rates, survivors by operator, false proofs, seconds and how they grow."""
    specs = {name: resolve(load_spec(FOLDER / f"{name}.yaml"), []) for name in SPECS}
    found: list[Table] = []
    with without_warnings():
        for name in SPECS[:1] if quick else SPECS:
            models = [m.name for m in specs[name].spec.models]
            found += measured(name, specs[name], _QUICK if quick else models, quick=quick)
        if quick:
            return tuple(found)
        return (*found, growth.rows(), growth.columns(), growth.models(specs[SPECS[0]]))


def measured(
    title: str, loaded: LoadedSpec, models: Sequence[str], *, quick: bool = False
) -> list[Table]:
    """The tables of one spec.

    Args:
        title: stands behind the title of each table.
        loaded: the spec.
        models: names of its models.
        quick: whether few random data sets are enough.
    """
    case = shipped.with_tests(case_of(loaded.spec), loaded)
    proved = [prove(case, loaded, name) for name in models]
    return [
        kills(proved, title),
        survivors(proved, title),
        noticed(proved, title),
        lies(proved, _FEW_DATASETS if quick else _DATASETS, title),
        seconds(proved, title),
    ]


def kills(proved: Sequence[Proved], title: str) -> Table:
    """The rate among faults that are not shown to be harmless, by model."""
    rows = [_kills(p.model, [p]) for p in proved]
    heads = ("model", "faults", "killed", "survive", "harmless", "not claimed", "kill rate")
    note = (
        "Harmless: a named argument shows that no rows can tell. Not claimed: in what a change log "
        "notes of itself. Neither counts in the rate."
    )
    rows.append(_kills("all", proved))
    return Table(f"Faults killed by the proof, {title}", heads, tuple(rows), (note,))


def _kills(name: str, proved: Sequence[Proved]) -> tuple[str, ...]:
    killed, left, harmless = (
        sum(p.count(what) for p in proved) for what in ("killed", "undecided", "equivalent")
    )
    beyond = sum(p.beyond for p in proved)
    every = killed + left + harmless + beyond
    counts = (every, killed, left, harmless, beyond)
    return (name, *map(str, counts), _rate(killed, left))


def _rate(killed: int, left: int) -> str:
    rate = Tally(killed=killed, undecided=left).rate
    return "" if rate is None else f"{rate:.1%}"


def survivors(proved: Sequence[Proved], title: str) -> Table:
    """What survives, by operator: it says what to do."""
    found: dict[str, list[str]] = {}
    for each in proved:
        for verdict in (v for _, r in each.trials for v in r.of("undecided")):
            line = f"{each.model}: {verdict.mutant.description}".replace("|", "/")
            found.setdefault(verdict.mutant.operator, []).append(line)
    rows = tuple((name, str(len(some)), some[0]) for name, some in sorted(found.items()))
    heads = ("operator", "faults", "such as")
    return Table(f"Faults that survive, {title}", heads, rows)


def noticed(proved: Sequence[Proved], title: str) -> Table:
    """What the project's own tests notice of faults that give other rows, beside the proof."""
    rows, sums = [], Counter[str]()
    with Clock() as clock:
        for each in proved:
            found = _noticed(each, clock)
            sums += found
            rows.append(_noticed_row(each.model, found))
    tests = [t for p in proved[:1] if p.case for t in p.case.compiled.tests]
    units = [t for p in proved[:1] if p.case for t in p.case.compiled.unit_tests]
    note = (
        f"Only faults that give other rows: a build stops at the others. {len(tests)} data tests "
        f"and {len(units)} unit tests ship with the project; a fault is noticed when one of them "
        "fails on rows of the proof on which the code passes it."
    )
    heads = ("model", "give other rows", "noticed by tests", "tests", "proof")
    rows.append(_noticed_row("all", sums))
    return Table(f"Faults noticed by the project's tests, {title}", heads, tuple(rows), (note,))


def _noticed(each: Proved, clock: Clock) -> Counter[str]:
    """How many faults of a model give other rows, are noticed by tests, or survive the proof."""
    found = Counter[str]()
    for place, result in each.trials:
        if each.case is None:
            continue  # no code, no tests
        answer = shipped.heard(each.case, each.model, place, result, runs=each.runs, clock=clock)
        found["killed"] += len(changing_rows(result.verdicts))
        found["noticed"] += len(answer.caught)
        found["missed"] += len(answer.missed)
        found["left"] += result.tally.undecided
    return found


def _noticed_row(name: str, found: Mapping[str, int]) -> tuple[str, ...]:
    tests = _rate(found["noticed"], found["missed"])
    proof = _rate(found["killed"], found["left"])
    return (name, str(found["killed"]), str(found["noticed"]), tests, proof)


def lies(proved: Sequence[Proved], datasets: int, title: str) -> Table:
    """Faults that pass the proof, as code or as harmless, and are seen on rows made without it."""
    found: list[tuple[str, falsehoods.Counted]] = []
    left_out = Counter[str]()
    for each in proved:
        judge = falsehoods.Judge(each.case, each.model, each.runs) if each.case else None
        rows = falsehoods.random_rows(judge, [place for place, _ in each.trials], datasets)
        left_out += Counter(rows.arrivals.left_out if rows.arrivals else {})
        for index, (place, result) in enumerate(each.trials):
            counted = falsehoods.counted(judge, place, index, result.verdicts, rows)
            found.append((each.model, counted))
    tried, passed, harmless = (
        sum(getattr(c, n) for _, c in found) for n in ("tried", "passed", "harmless")
    )
    told, wrong, lucky = (
        [_named(n, m) for n, c in found for m in getattr(c, k)] for k in ("told", "lies", "lucky")
    )
    lines = (
        ("shown to be harmless", str(harmless), str(harmless), str(len(wrong))),
        ("judged as code", str(tried), str(passed), str(len(told))),
    )
    heads = ("faults", "tried", "pass the proof", "seen on random rows")
    seen = [f"Seen: {text}" for text in told]
    seen += [f"Counted as killed, and passed as code: {text}" for text in lucky]
    return Table(f"False proofs, {title}", heads, lines, (_random(datasets, left_out), *seen))


def _named(model: str, fault: Mutant) -> str:
    return f"{model}: {fault.operator}: {fault.description}"


def _random(datasets: int, left_out: Mapping[str, int]) -> str:
    """What the random rows were, and how many series of loads were none."""
    reasons = ", ".join(f"{number} {state}" for state, number in sorted(left_out.items()))
    return (
        f"Seen on {datasets} data sets each of random rows that keep what is declared; of models "
        f"that keep rows, on {datasets} series of two to five random loads. Series left out, as "
        f"the code is not what the oracle says there: {reasons or 'none'}."
    )


def seconds(proved: Sequence[Proved], title: str) -> Table:
    """The processor's seconds a model, and of the whole spec."""
    rows = [(p.model, *(f"{p.seconds[n]:.2f}" for n in PARTS), f"{p.total:.2f}") for p in proved]
    sums = [sum(p.seconds[n] for p in proved) for n in PARTS]
    rows.append(("all", *(f"{s:.2f}" for s in sums), f"{sum(sums):.2f}"))
    every = sorted(p.total for p in proved)
    at = min(len(every) - 1, round(0.95 * (len(every) - 1)))
    note = f"A model: median {statistics.median(every):.2f} s, 95th percentile {every[at]:.2f} s."
    heads = ("model", *PARTS, "all")
    return Table(f"Seconds of the processor, {title}", heads, tuple(rows), (note,))
