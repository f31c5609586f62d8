"""The properties hold for generated code, and each can fail: code is broken in one place a test."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.tools.verify.generated import Generated, write
from tools.verify.build import build
from tools.verify.properties import check_properties
from tools.verify.bench import Checked
from tools.verify.worker import DbtWorker

pytestmark = pytest.mark.slow

SHOP = (Path(__file__).parent / "cases" / "shop.yaml").read_text()
NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)

LOG = "int_dim_order__changes.sql"
DIM = "dim_order.sql"
SEEN = re.compile(r"where _change_id not in \(.*?\)", re.DOTALL)


def only(text: str, *models: str) -> str:
    """The spec with some of its models."""
    head, _, rest = text.partition("models:\n")
    parts = re.split(r"(?m)^(?=  - name: )", rest)
    kept = [p for p in parts if any(p.startswith(f"  - name: {m}\n") for m in models)]
    return head + "models:\n" + "".join(kept)


def checked(
    worker: DbtWorker,
    root: Path,
    text: str,
    changes: Mapping[str, Callable[[str], str]] | None = None,
    level: str = "quick",
) -> Checked:
    made: Generated = write(text, root, changes)
    said: list[str] = []
    built = build(
        made.loaded, made.artifacts, project=made.project, database=made.database, roots=[root],
        worker=worker, now=NOW, others={}, progress=said.append,
    )  # fmt: skip
    assert built.report.ok, [str(f) + f.evidence for f in built.report.errors]
    found = check_properties(
        made.loaded, made.artifacts, project=built.project, database=made.database,
        worker=worker, now=NOW, level=level, others={}, progress=said.append,
    )  # fmt: skip
    assert not (made.database.parent / "scratch").exists()
    assert any(s.startswith("properties: ") for s in said)
    return found


def codes(found: Checked) -> set[str]:
    return {f.code for f in found.findings}


def test_generated_code_holds(worker: DbtWorker, tmp_path: Path) -> None:
    found = checked(worker, tmp_path, SHOP, level="full")
    assert not found.findings, [f"{f}\n{f.evidence}" for f in found.findings]
    assert found.not_run == []
    assert found.runs > 20


def replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)


HIGH_WATER = SEEN.sub  # only what is newer than everything before: late rows are lost


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {LOG: lambda t: SEEN.sub(
                "where _effective_at > (select max(_effective_at) from {{ this }})", t)},
            {"PRO002"}, id="late rows are lost",
        ),
        pytest.param(
            {LOG: lambda t: SEEN.sub("where true", t)}, {"PRO001", "PRO003"},
            id="the log takes every row again",
        ),
        pytest.param(
            {LOG: replaced("<= 0.2 *", "<= 5.0 *")}, {"PRO006"}, id="every absence is believed"
        ),
        pytest.param(
            {LOG: replaced("select distinct", "select distinct on (order_id)")}, {"PRO002"},
            id="one row a key and load, whichever",
        ),
        pytest.param(
            {DIM: replaced("or {{ any_changed", "or true or {{ any_changed")}, {"PRO005"},
            id="an update without a change makes a version",
        ),
        pytest.param(
            {"any_changed.sql": replaced(" is distinct from ", " <> ")}, {"PRO005"},
            id="NULL is like any value",
        ),
        pytest.param(
            {DIM: replaced("'delete+insert'", "'append'")}, {"PRO004", "PRO005"},
            id="old versions stay",
        ),
        pytest.param(
            {DIM: lambda t: re.sub(r"(?s)\bexcept\s+select.*?\{\{ this \}\}", "", t).replace(
                "_change_count\n        ) not in", "_change_count\n        ) not in")},
            set(), id="every history is worked out anew, which is slow and right",
        ),
    ],
)  # fmt: skip
def test_a_broken_history_is_found(
    worker: DbtWorker,
    tmp_path: Path,
    changes: dict[str, Callable[[str], str]],
    expected: set[str],
) -> None:
    found = checked(worker, tmp_path, only(SHOP, "dim_order"), changes)
    assert expected <= codes(found), [str(f) for f in found.findings]
    assert bool(found.findings) is bool(expected)
    for finding in found.findings:
        assert finding.subject == "dim_order"
        assert finding.location is not None
        assert finding.location.line


def test_rows_that_differ_are_shown(worker: DbtWorker, tmp_path: Path) -> None:
    lost = {LOG: lambda t: SEEN.sub("where false", t)}
    found = checked(worker, tmp_path, only(SHOP, "dim_order"), lost)
    shuffled = next(f for f in found.findings if f.code == "PRO002")
    assert "expected, not found" in shuffled.evidence
    assert "valid_from" in shuffled.evidence


@pytest.mark.parametrize(
    ("model", "changes", "expected"),
    [
        ("latest_event", {"latest_event.sql": replaced("'delete+insert'", "'append'")}, "PRO007"),
        (
            "all_events",
            {"all_events.sql": lambda t: re.sub(r"where happened_at > ", "where happened_at >= ", t)},
            "PRO001",
        ),
        ("stg_customer", {"stg_customer.sql": replaced("trim(name)", "random()::varchar")}, "PRO001"),
    ],
)
def test_other_broken_models_are_found(
    worker: DbtWorker,
    tmp_path: Path,
    model: str,
    changes: dict[str, Callable[[str], str]],
    expected: str,
) -> None:
    found = checked(worker, tmp_path, only(SHOP, model), changes)
    assert expected in codes(found), [str(f) for f in found.findings]


def test_deletions_that_rows_carry(worker: DbtWorker, tmp_path: Path) -> None:
    text = only(SHOP, "dim_order").replace(
        "extract: full\n        deletes: {how: absence, max_ratio: 0.2}",
        "extract: cdc\n        operation: {column: op, deleted: [D]}\n        deletes: {how: operation}",
    ).replace(
        "- {name: version, type: bigint",
        "- {name: op, type: varchar, nullable: false}\n          - {name: version, type: bigint",
    )  # fmt: skip
    found = checked(worker, tmp_path / "right", text)
    assert not found.findings, [f"{f}\n{f.evidence}" for f in found.findings]
    assert found.not_run == []


def test_without_an_event_time_what_cannot_be_asked_is_listed(
    worker: DbtWorker, tmp_path: Path
) -> None:
    text = only(SHOP, "dim_order").replace("      effective_at: updated_at\n", "")
    text = text.replace("        loaded_at: updated_at\n", "")
    found = checked(worker, tmp_path, text)
    assert not found.findings, [f"{f}\n{f.evidence}" for f in found.findings]
    assert found.not_run == [
        "dim_order under shuffled batches: it has no event time, so order matters"
    ]


def test_a_load_that_fails_is_a_finding(worker: DbtWorker, tmp_path: Path) -> None:
    fails_later = replaced(
        "{% if is_incremental() %}\nwhere",
        "{% if is_incremental() %}\nwhere cast('later' as integer) = 1 and",
    )
    found = checked(worker, tmp_path, only(SHOP, "dim_order"), {LOG: fails_later})
    assert codes(found) == {"PRO008"}
    assert "Could not convert string 'later'" in found.findings[0].message
