"""The proof on the review page: rates in coarse steps, survivors with their difference."""

from __future__ import annotations

from dataclasses import replace

from tools.findings import Report
from tools.review.proof import proof
from tools.verify.outcome import Outcome, Strength, Survivor, Verdict

SURVIVOR = Survivor("coalesce", "default 'x' becomes 'y'", "- coalesce(a, 'x')\n+ coalesce(a, 'y')")
STRENGTH = Strength(
    "orders", killed=98, undecided=2, shipped_killed=25, shipped_tried=80, survivors=(SURVIVOR,),
    proposed=2, proposed_killed=77,
)  # fmt: skip


def page(*strengths: Strength, verdict: Verdict | None = None) -> str:
    verdicts = (verdict or Verdict("orders", "id", "TESTED", 12, 0.9),)
    outcome = Outcome(Report(), verdicts=verdicts, strengths=strengths)
    return "\n\n".join(proof(outcome.to_json()))


def test_three_rates_stand_side_by_side() -> None:
    text = page(STRENGTH)
    row = next(line for line in text.splitlines() if "orders" in line and "|" in line)
    cells = [c.strip() for c in row.strip("|").split("|")]
    assert cells[2:] == ["12 data sets", "at least 95%", "at least 25%", "at least 95%"]


def test_a_survivor_is_shown_as_a_difference() -> None:
    text = page(STRENGTH)
    assert "default 'x' becomes 'y'" in text
    assert "```diff\n- coalesce(a, 'x')\n+ coalesce(a, 'y')\n```" in text


def test_what_hangs_on_the_time_there_was_is_not_on_the_page() -> None:
    some = page(replace(STRENGTH, not_tried=3))
    assert some == page(replace(STRENGTH, not_tried=9, survivors=()))


def test_a_model_without_faults_has_no_rates() -> None:
    other = Strength("else", killed=1)
    assert "| none tried |" in page(other)


def test_without_the_tier_there_is_no_column_for_it() -> None:
    assert "faults" not in page()


def test_a_refuted_column_is_shown_with_its_rows() -> None:
    wrong = Verdict("orders", "id", "REFUTED", reason="1 row missing", witness="shop.order:\nid\n1")
    text = page(verdict=wrong)
    assert "**REFUTED** 1 column" in text
    assert "shop.order:\nid\n1" in text
