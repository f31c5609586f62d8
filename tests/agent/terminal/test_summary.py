from __future__ import annotations

import io
from typing import Any

import pytest

from agent.result import Result, result_of
from agent.terminal.console import make_console
from agent.terminal.summary import counts, print_summary
from tools.findings import Finding, Location, Severity

NODES = [
    {"name": "m1", "kind": "model", "status": "success"},
    {"name": "m2", "kind": "model", "status": "success"},
    {"name": "t1", "kind": "test", "status": "pass"},
    {"name": "t2", "kind": "test", "status": "fail"},
    {"name": "u1", "kind": "unit_test", "status": "pass"},
]
TIERS = [
    {"name": "static", "seconds": 0.1, "ok": True, "summary": "9 SQL files read, no errors"},
    {"name": "build", "seconds": 3.25, "ok": True, "summary": "2 of 2 models built"},
]
QUESTION = Finding(
    "QUESTION",
    Severity.QUESTION,
    "which of several addresses is the best one, when a customer has more than one of them?",
    hint="assumed: the one changed last",
    subject="dim_customer.city",
)
WARNING = Finding(
    "A8.R1", Severity.WARNING, "nobody owns orders", Location("specs/orders.yaml", 3, 1)
)


def state(**more: Any) -> Any:
    return {
        "run": "orders-0102-0304",
        "graph_version": 1,
        "spec": "specs/orders.yaml",
        "target": "duckdb",
        "level": "",
        "commit": True,
        "workflow": "build-pipeline",
        "path": "",
        "pipeline": "orders",
        "version": "1.0.0",
        "digest": "0" * 64,
        "questions": [QUESTION.to_json()],
        "findings": [WARNING.to_json()],
        "seconds": {"plan": 0.04, "generate": 0.3, "test": 3.4, "commit": 0.1},
        "details": {"plan": "13 files, all compiled", "commit": "1234567 on specmill/orders"},
        "outcome": {"tiers": TIERS, "nodes": NODES[:3], "not_run": ["history: no event time"]},
        "files": [],
        "tree": ".specmill/work/orders",
        "branch": "specmill/orders",
        "base": "abc",
        "related": True,
        "review": "generated/review/orders.md",
        "commit_id": "1234567890",
    } | more


def shown(result: Result) -> str:
    stream = io.StringIO()
    print_summary(make_console(file=stream), result)
    return stream.getvalue()


DONE = """\
orders 1.0.0  done in 3.8 s ────────────────────────────────────────────────────
✓ plan     0.0 s  13 files, all compiled
✓ generate 0.3 s
✓ test     3.4 s  2 models built, 1 test passed
    static 0.1 s  9 SQL files read, no errors
    build  3.2 s  2 of 2 models built
✓ commit   0.1 s  1234567 on specmill/orders
  not run: history: no event time

1 warning
  A8.R1  specs/orders.yaml:3:1  nobody owns orders

1 open question blocks production, assumed for now
  - dim_customer.city: which of several addresses is the best one, when a
  customer has more than one of them?
    assumed: the one changed last

look at it   git diff HEAD...specmill/orders
review page  .specmill/work/orders/generated/review/orders.md
take it      git merge specmill/orders
"""


def test_the_end_of_a_run_that_holds() -> None:
    assert shown(result_of(state(), {})) == DONE


def test_a_run_that_failed_says_where_and_why() -> None:
    error = Finding(
        "DBT003",
        Severity.ERROR,
        "test unique of fct_orders.order_id fails with 1 row",
        Location("generated/dbt/models/marts/fct_orders.yml", 26),
        hint="see the row",
        evidence="order_id\n1",
    )
    failed = [{**TIERS[0], "ok": False}]
    text = shown(
        result_of(
            state(
                findings=[error.to_json()],
                outcome={"tiers": failed, "nodes": NODES, "not_run": []},
                stop={"exit_code": 1, "reason": "1 error", "remedy": "correct the spec"},
            ),
            {},
        )
    )
    assert "orders 1.0.0  stopped in 3.8 s" in text
    assert "✗ test     3.4 s  2 models built, 1 of 2 tests passed, 1 unit test passed" in text
    assert "error DBT003  generated/dbt/models/marts/fct_orders.yml:26" in text
    assert "    order_id\n    1\n" in text
    assert text.endswith("1 error\n→ correct the spec\n")
    assert "git merge" not in text


def test_a_run_that_waits_shows_what_for() -> None:
    waits = {
        "message": "1 open question keeps it",
        "remedy": "answer",
        "findings": [QUESTION.to_json()],
        "gate": {},
    }
    text = shown(result_of(state(questions=[]), waits))
    assert "waits for you" in text
    assert text.count("which of several addresses") == 1
    assert text.endswith("1 open question keeps it\n→ answer\n")


@pytest.mark.parametrize(
    ("base", "lines"),
    [
        ("abc", ["look at it   git show specmill/orders"]),
        ("", ['take it      git add . && git commit -m "Start"']),
    ],
)
def test_a_branch_without_common_history_is_merged_as_such(base: str, lines: list[str]) -> None:
    text = shown(result_of(state(base=base, related=False), {}))
    for line in [*lines, "git merge --allow-unrelated-histories specmill/orders"]:
        assert line in text


def test_nothing_is_wider_than_the_page_and_nothing_ends_in_blanks() -> None:
    long = "x" * 70 + " " + "y" * 70
    wide = Finding("A1", Severity.WARNING, long, Location("specs/" + "z" * 90 + ".yaml", 1))
    text = shown(
        result_of(
            state(
                findings=[wide.to_json()] * 1,
                details={"plan": long},
                outcome={"tiers": [{**TIERS[0], "summary": long}], "nodes": [], "not_run": [long]},
            ),
            {},
        )
    )
    for line in text.splitlines():
        assert len(line) <= 80
        assert line == line.rstrip()


def test_many_warnings_are_counted() -> None:
    many = [
        Finding(
            "A8.R1", Severity.WARNING, f"warning {n}", Location("specs/orders.yaml", n)
        ).to_json()
        for n in range(1, 10)
    ]
    text = shown(result_of(state(findings=many), {}))
    assert "9 warnings" in text
    assert "... and 3 more on the review page" in text


def test_another_target_is_said_to_be_kept_and_not_built() -> None:
    text = " ".join(shown(result_of(state(targets=["snowflake"]), {})).split())
    assert "built and tested was the DuckDB form; the target snowflake is kept" in text
    assert "DuckDB form" not in shown(result_of(state(), {}))


def test_counts() -> None:
    assert counts(NODES) == "2 models built, 1 of 2 tests passed, 1 unit test passed"
    assert counts([]) == ""


def test_letters_stand_for_signs_where_there_are_none() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace")
    print_summary(make_console(file=stream), result_of(state(), {}))
    stream.seek(0)
    text = stream.read()
    assert "ok plan" in text
    assert "?" not in text.replace("them?", "")
