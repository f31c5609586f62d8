"""What verify prints of each model: at a glance, in 80 columns, without colour."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from agent.terminal.console import THEME
from agent.terminal.verdicts import print_explained, print_verdicts
from tools.findings import Report
from tools.verify.outcome import Outcome, RowReason, Strength, Survivor, Verdict

SURVIVOR = Survivor(
    "coalesce", "default 'x' becomes 'y'", "-  coalesce(a, 'x')\n+  coalesce(a, 'y')"
)
VERDICTS = (
    Verdict("orders", "id", "TESTED", 12, 0.9),
    Verdict("orders", "total", "REFUTED", 3, None, "other values in total", "shop.order:\nid\n1"),
    Verdict("orders", "key", "UNVERIFIED", reason="the spec does not say how it is made"),
    Verdict("kept", "id", "TESTED", 1, 1.0),
)
STRENGTHS = (
    Strength(
        "orders", killed=90, undecided=10, not_tried=5, shipped_killed=25, shipped_tried=80,
        survivors=(SURVIVOR,), proposed=2, proposed_killed=70, proposal="  - name: x\n",
    ),
    Strength("kept", killed=20, shipped_killed=20, shipped_tried=20, proposed_killed=20),
)  # fmt: skip


def shown(outcome: Outcome, proposals: str = "", explain: str = "") -> str:
    out = io.StringIO()
    console = Console(file=out, width=80, theme=THEME, no_color=True)
    if explain:
        print_explained(console, outcome, explain)
    else:
        print_verdicts(console, outcome, proposals)
    return out.getvalue()


def outcome(*strengths: Strength) -> Outcome:
    return Outcome(Report(), verdicts=VERDICTS, strengths=strengths)


def test_both_rates_stand_side_by_side_with_what_proposed_tests_would_give() -> None:
    text = shown(outcome(*STRENGTHS), ".specmill/proposals/shop.yml")
    lines = text.splitlines()
    assert lines[1].split() == ["model", "columns", "verdict", "proof", "tests", "proposed"]
    assert lines[2].split() == ["orders", "1/3", "REFUTED", "90%", "31%", "87%"]
    assert lines[3].split()[-2:] == ["100%", "100%"]
    flat = " ".join(text.split())
    assert (
        "proof: 110 of 120 planted faults are told from the code; for 5 there was no time" in flat
    )
    assert "notice 45% of 100 faults that change rows; with 2 proposed unit tests 90%" in flat
    assert "see .specmill/proposals/shop.yml" in flat
    assert "survives in orders: default 'x' becomes 'y' (coalesce)" in flat
    assert "... and 7 more: specmill verify --explain MODEL" in flat
    assert all(len(line) <= 80 for line in lines)


def test_what_a_former_run_showed_says_since_when() -> None:
    since = "2026-06-01T12:30:00Z"
    every = tuple(replace(v, since=since) for v in VERDICTS)
    found = replace(outcome(*STRENGTHS), verdicts=(*VERDICTS[:3], every[3]))
    flat = " ".join(shown(found).split())
    assert "unchanged since 2026-06-01 12:30 UTC, not proved again: kept" in flat
    flat = " ".join(shown(replace(found, verdicts=every)).split())
    assert "unchanged since 2026-06-01 12:30 UTC, not proved again: all models" in flat
    assert "unchanged" not in shown(outcome(*STRENGTHS))
    text = shown(found, explain="kept")
    assert "1 data sets (unchanged since 2026-06-01 12:30 UTC), 100% of faults" in " ".join(
        text.split()
    )


def test_columns_that_are_not_as_the_others_are_named_with_the_reason() -> None:
    text = shown(outcome())
    assert "orders.total REFUTED other values in total" in text
    assert "orders.key UNVERIFIED the spec does not say how it is made" in text
    assert "proof:" not in text
    assert "proposed" not in text


@pytest.mark.parametrize("proposals", ["", "x.yml"])
def test_without_proposals_there_is_no_such_column(proposals: str) -> None:
    text = shown(outcome(STRENGTHS[1]), proposals)
    assert "proposed" not in text


def test_a_share_is_never_rounded_up_to_all() -> None:
    text = shown(outcome(Strength("kept", killed=999, undecided=1)))
    assert "99%" in text
    assert "100%" not in text


def test_explained_shows_witness_and_difference() -> None:
    text = shown(outcome(*STRENGTHS), explain="ORDERS")
    assert "    shop.order:\n    id\n    1\n" in text
    assert "    -  coalesce(a, 'x')\n    +  coalesce(a, 'y')\n" in text
    assert "kept" not in text


def test_every_row_is_explained_within_80_columns() -> None:
    rows = (
        RowReason("edges", "shop.order", 1, "ordinary"),
        RowReason("edges", "shop.order", 2, "ordinary"),
        RowReason("edges", "shop.order", 3, "ordinary", tuple(f"fault {n}" for n in range(5))),
        RowReason("edges", "shop.order", 4, "total is '-0.01', beside 0 in orders.total, " * 3),
        RowReason("edges", "shop.line", 1, ""),
        RowReason("ties", "shop.order", 1, "ordinary"),
    )
    text = shown(replace(outcome(), rows=rows), explain="orders")
    assert "6 rows in 2 data sets; 1 of them are what faults are told by" in text
    assert "      rows 1-2: ordinary\n      row 3: ordinary\n" in text
    assert "        tells: fault 0; fault 1; fault 2; and 2 more\n" in text
    assert "row 1: no reason is known" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_a_model_that_is_not_there_is_said() -> None:
    assert "no column of a model none was looked at" in shown(outcome(), explain="none")
