from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.verify.specs import spec
from tools.findings import Location
from tools.verify.intervals import broken, questions
from tools.verify.scratch import tables_of
from tools.verify.worker import DbtWorker

pytestmark = pytest.mark.slow

SHOP = (Path(__file__).parent / "cases" / "shop.yaml").read_text()
MODEL = next(m for m in spec(SHOP).spec.models if m.name == "dim_order")

DAYS = {n: f"'2024-01-0{n}'" for n in range(1, 8)}


def row(key: int | str, start: int, end: int | None, *, current: bool | None = None) -> str:
    is_current = (end is None) if current is None else current
    return f"({key}, {DAYS[start]}, {DAYS[end] if end else 'null'}, {is_current})"


LOGGED = [f"({key}, {DAYS[1]}, 'U')" for key in (1, 2)]
RIGHT = [row(1, 1, 3), row(1, 3, None), row(2, 1, None)]


@pytest.mark.parametrize(
    ("rows", "logged", "rule"),
    [
        (RIGHT, LOGGED, ""),
        ([row(1, 1, 3), row(1, 4, None)], [*LOGGED, f"(1, {DAYS[3]}, 'D')"], ""),
        ([row(1, 1, 3)], [*LOGGED, f"(1, {DAYS[3]}, 'D')"], ""),
        ([], [], ""),
        ([row(1, 1, None), row(1, 3, None)], LOGGED, "more than one current row"),
        ([row(1, 1, 3, current=True)], [*LOGGED, f"(1, {DAYS[3]}, 'D')"], "calls a row current"),
        ([row(1, 1, None, current=False)], LOGGED, "calls a row current"),
        ([row(1, 3, 3), row(1, 3, None)], LOGGED, "ends before it starts"),
        ([row(1, 4, 3), row(1, 4, None)], LOGGED, "ends before it starts"),
        ([row(1, 1, 4), row(1, 3, None)], LOGGED, "overlap"),
        ([row(1, 1, 3), row(1, 4, None)], LOGGED, "a gap between intervals"),
        ([row(1, 1, 3)], LOGGED, "a closed last interval"),
        ([row(9, 1, None)], LOGGED, "its change log does not know"),
    ],
)
def test_invariants(
    worker: DbtWorker, tmp_path: Path, rows: list[str], logged: list[str], rule: str
) -> None:
    database = tmp_path / "shop.duckdb"
    worker.sql(
        database,
        [
            "create schema marts",
            "create schema intermediate",
            "create table marts.dim_order (order_id bigint, valid_from timestamp, "  # noqa: ISC004
            "valid_to timestamp, is_current boolean)",
            "create table intermediate.int_dim_order__changes (order_id bigint, "  # noqa: ISC004
            "_effective_at timestamp, _operation varchar)",
            *([f"insert into marts.dim_order values {', '.join(rows)}"] if rows else []),
            *(
                [f"insert into intermediate.int_dim_order__changes values {', '.join(logged)}"]
                if logged
                else []
            ),
        ],
    )
    names = [("marts", "dim_order"), ("intermediate", "int_dim_order__changes")]
    tables = tables_of(worker, database, names)
    asked = questions(MODEL, tables["dim_order"], tables["int_dim_order__changes"])
    answers = worker.sql(database, [q.sql for q in asked])
    found = broken(MODEL, asked, answers, where=Location("s.yaml", 3), when="as built")
    if not rule:
        assert not found, [f.message for f in found]
        return
    assert any(rule in f.message for f in found), [f.message for f in found]
    assert all(f.evidence and f.message.endswith("as built") for f in found)
