"""The properties hold for generated code, and each can fail.

Starting dbt again and again would cost minutes, so one project holds many pipelines that have
nothing to do with each other, each broken in one place, and is put under test once.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tools.verify.generated import Generated, write
from tools.verify.bench import Checked
from tools.verify.build import moment
from tools.verify.data import load_sources
from tools.verify.properties import check_properties
from tools.verify.results import Project
from tools.verify.worker import DbtWorker

pytestmark = pytest.mark.slow

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
SEEN = re.compile(r"where _change_id not in \(.*?\)", re.DOTALL)
POST_HOOK = re.compile(r"    post_hook=\".*?\",\n", re.DOTALL)

Change = Callable[[str], str]

HISTORY = """
  - name: {name}
    layer: marts
    description: A history.
    grain: [id]
    from: s.{name}_rows
    columns:
      - {{name: id, type: bigint, nullable: false, description: Number.}}
      - {{name: status, type: varchar, description: State.}}
      - {{name: note, type: varchar, description: Note.}}
      - {{name: seen_at, type: timestamp, nullable: false, description: When.}}
    load: {{strategy: scd2, key: [id], track: [status, note]{load}}}
"""
EVENTS = """
  - name: {name}
    layer: {layer}
    description: Events.
    grain: [id]
    from: s.{name}_rows
    columns:
      - {{name: id, type: bigint, nullable: false, description: Number.}}
      - {{name: status, type: varchar, expr: "trim({{status}})", description: State.}}
      - {{name: seen_at, type: timestamp, nullable: false, description: When.}}
    load: {{{load}}}
"""
TABLE = """
      - name: {name}_rows
        description: Rows.
        primary_key: [id]
        columns:
          - {{name: id, type: bigint, nullable: false}}
          - {{name: status, type: varchar, nullable: false}}
          - {{name: note, type: varchar}}
          - {{name: op, type: varchar, nullable: false}}
          - {{name: seen_at, type: timestamp, nullable: false}}
          - {{name: version, type: bigint, nullable: false}}
"""
TIMED = ", effective_at: seen_at, sequence_by: [version]"
BY_ABSENCE = "        deletes: {how: absence, max_ratio: 0.2}\n"


def sub(pattern: str | re.Pattern[str], new: str) -> Change:
    """Replaces what a pattern finds."""
    return lambda text: re.sub(pattern, lambda _: new, text)


def both(*changes: Change) -> Change:
    """One change after the other."""

    def change(text: str) -> str:
        for one in changes:
            text = one(text)
        return text

    return change


@dataclass(frozen=True)
class Case:
    """A pipeline, where it is broken, and what has to be found.

    Args:
        name: of its model.
        changes: of its log (``log``) or its model (``model``).
        expected: codes of the findings on it; empty when it is right.
        table: more about its source table.
        load: its load.
        layer: of models that are no history.
    """

    name: str
    changes: dict[str, Change]
    expected: frozenset[str]
    table: str = BY_ABSENCE
    load: str = TIMED
    layer: str = ""

    def __str__(self) -> str:
        return self.name

    @property
    def model(self) -> str:
        template = EVENTS if self.layer else HISTORY
        return template.format(name=self.name, load=self.load, layer=self.layer)


def case(name: str, *expected: str, **more: object) -> Case:
    changes = {k: v for k, v in more.items() if k in ("log", "model")}
    rest = {k: v for k, v in more.items() if k not in changes}
    return Case(name, changes, frozenset(expected), **rest)  # type: ignore[arg-type]


NEWER = "where _effective_at > (select max(_effective_at) from {{ this }})"
CASES = [
    case("right"),
    case("late_rows_lost", "PRO002", log=sub(SEEN, NEWER)),
    case("log_takes_all", "PRO001", "PRO003", log=sub(SEEN, "where true")),
    case("every_absence_believed", "PRO006", log=sub(r"<= 0\.2 \*", "<= 5.0 *")),
    case("touch_is_change", "PRO005", model=sub(r"or \{\{ any_", "or true or {{ any_")),
    case(
        "null_is_any_value", "PRO005",
        model=sub(r"or \{\{ any_changed\(.*?\) \}\}",
                  "or status <> lag(status) over in_order or note <> lag(note) over in_order"),
    ),
    case(
        "old_versions_stay", "PRO004", "PRO005",
        model=both(sub("'delete\\+insert'", "'append'"), sub(POST_HOOK, "")),
    ),
    case("no_event_time", table="", load=""),
    case(
        "deleted_by_operation",
        table="        extract: cdc\n        operation: {column: op, deleted: [D]}\n"
        "        deletes: {how: operation}\n",
    ),
    case(
        "deleted_by_predicate",
        table="        extract: incremental\n"
        "        deletes: {how: predicate, predicate: \"op = 'D'\"}\n",
    ),
    case("merged", layer="marts", table="", load="strategy: incremental, key: [id]"),
    case(
        "merged_twice", "PRO007", layer="marts", table="",
        load="strategy: scd1, key: [id], cursor: seen_at",
        model=sub("'delete\\+insert'", "'append'"),
    ),
    case("appended", layer="marts", table="", load="strategy: append, cursor: seen_at"),
    case(
        "appended_again", "PRO001", layer="marts", table="",
        load="strategy: append, cursor: seen_at",
        model=sub(r"where seen_at > ", "where seen_at >= "),
    ),
    case(
        "of_the_moment", "PRO001", layer="staging", table="", load="",
        model=sub(r"trim\(status\)", "random()::varchar"),
    ),
]  # fmt: skip


def proved(worker: DbtWorker, made: Generated) -> Checked:
    """Loads and runs a project, without the tests that dbt has, and puts it to the proof."""
    said: list[str] = []
    loading = load_sources([made.loaded], [], worker=worker, database=made.database, now=NOW)
    assert loading.report.ok
    run = worker.dbt(["run"], moment(NOW), project=made.project, database=made.database)
    assert run.success, run.events
    found = check_properties(
        made.loaded, made.artifacts, project=Project(made.project, "generated/dbt"),
        database=made.database, worker=worker, now=NOW, level="quick", others={},
        progress=said.append,
    )  # fmt: skip
    assert not (made.database.parent / "scratch").exists()
    assert any(s.startswith("properties: ") for s in said)
    return found


def text_of(*cases: Case) -> str:
    tables = "".join(TABLE.format(name=c.name) + c.table for c in cases)
    head = "pipeline: many\nsources:\n  - name: s\n    system: files\n    tables:"
    return head + tables + "models:" + "".join(c.model for c in cases)


@pytest.fixture(scope="module")
def found(worker: DbtWorker, tmp_path_factory: pytest.TempPathFactory) -> Checked:
    changes = {}
    for each in CASES:
        files = {"log": f"/int_{each.name}__changes.sql", "model": f"/{each.name}.sql"}
        changes |= {files[part]: change for part, change in each.changes.items()}
    return proved(worker, write(text_of(*CASES), tmp_path_factory.mktemp("many"), changes))


@pytest.mark.parametrize("each", CASES, ids=str)
def test_what_is_broken_is_found_and_nothing_else(found: Checked, each: Case) -> None:
    mine = [f for f in found.findings if f.subject == each.name]
    codes = {f.code for f in mine}
    assert each.expected <= codes, [str(f) for f in mine]
    assert bool(codes) is bool(each.expected), [f"{f}\n{f.evidence}" for f in mine]
    for finding in mine:
        assert finding.location is not None
        assert finding.location.line


def test_rows_that_differ_are_shown(found: Checked) -> None:
    late = next(f for f in found.findings if f.subject == "late_rows_lost" and f.code == "PRO002")
    assert "expected, not found" in late.evidence
    assert "valid_from" in late.evidence


def test_what_cannot_be_asked_is_listed(found: Checked) -> None:
    assert found.not_run == [
        "no_event_time under shuffled batches: it has no event time, so order matters",
        "schema evolution: run it with --level full",
    ]


def test_a_load_that_fails_is_a_finding(worker: DbtWorker, tmp_path: Path) -> None:
    fails = SEEN.sub("where cast('later' as integer) = 1", "where _change_id not in (x)")
    made = write(text_of(case("right")), tmp_path, {"__changes.sql": sub(SEEN, fails)})
    findings = proved(worker, made).findings
    assert {f.code for f in findings} == {"PRO008"}
    assert "Could not convert string 'later'" in findings[0].message
