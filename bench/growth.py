"""How the seconds of the proof grow: with rows, with columns, with models.

Seconds are those of the processor.
"""

from __future__ import annotations

import time

from bench.measure import ROOT, Table
from bench.proved import prove
from tests.tools.verify.proof.compiled import case_of
from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.verify.dataset import Dataset
from tools.verify.dataset import Table as Data
from tools.verify.mutants.clock import Clock
from tools.verify.oracle.engine import Engine
from tools.verify.proof.faults import planted, try_faults
from tools.verify.proof.fields import Rows, fields_of, judged_series
from tools.verify.proof.tier import rows_for

ROWS = (10, 100, 1_000, 10_000)
_EVER = 1e9
_WIDTH = 10


def rows() -> Table:
    """How seconds grow with the rows of a table."""
    found = []
    for count in ROWS:
        spec = wide(_WIDTH)
        case, data = case_of(spec), Dataset({"s.t": filled(_WIDTH, count)}, name="many")
        with Engine() as engine, Clock() as clock:
            started = time.process_time()
            runs = judged_series(case, Rows((data,)), engine, clock, ["m"])
            judged = time.process_time()
            place = fields_of(case, runs, only=["m"])["m"][0]
            result = try_faults(place, planted(place), time.monotonic() + _EVER, clock)
            done = time.process_time()
        killed = str(result.tally.killed)
        found.append((str(count), killed, f"{judged - started:.2f}", f"{done - judged:.2f}"))
    heads = ("rows", "faults killed", "oracle, s", "faults, s")
    note = f"One data set, a table of {_WIDTH} columns, a model that filters it."
    return Table("Growth with rows", heads, tuple(found), (note,))


def columns() -> Table:
    """How seconds grow with the columns of a table."""
    found = []
    for count in (10, 50, 150, 300):
        spec = wide(count)
        proved = prove(case_of(spec), _loaded(spec), "m")
        found.append((str(count), str(proved.count("killed")), f"{proved.total:.2f}"))
    return Table("Growth with columns", ("columns", "faults killed", "s"), tuple(found))


def models(loaded: LoadedSpec) -> Table:
    """How seconds grow with the models of a spec."""
    found = []
    for count in (2, 4, 7):
        part = loaded.spec.model_copy(update={"models": loaded.spec.models[:count]})
        case, started = case_of(part), time.process_time()
        made = rows_for(part, loaded.digest, {})
        ready = time.process_time()
        with Engine() as engine, Clock() as clock:
            judged_series(case, made, engine, clock)
        done = time.process_time()
        found.append((str(count), f"{ready - started:.2f}", f"{done - ready:.2f}"))
    return Table("Growth with models", ("models", "rows, s", "oracle, s"), tuple(found))


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


def filled(width: int, count: int) -> Data:
    """The table of :func:`wide` with rows; the first column is a key, the others repeat values."""
    kinds = tuple((f"c{n}", "integer") for n in range(width))
    return Data(kinds, tuple((n, *(n * at % 11 for at in range(1, width))) for n in range(count)))
