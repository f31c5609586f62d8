"""What is taken over from a former run, and when it is not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tools.findings import Report
from tools.verify.former_run import FormerRun, Result
from tools.verify.outcome import NodeResult, Strength, Verdict

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
SINCE = "2026-06-01T12:00:00Z"
VERDICTS = (Verdict("m", "id", "TESTED", 3), Verdict("m", "n", "TESTED", 3, since="2026-05-01"))
STRENGTH = Strength("m", killed=1)
NODES = (NodeResult("m", "model", "success", 0.1, "", "m"),)
DEEP = {
    "build": Result(Report(), "built", NODES),
    "oracle": Result(Report(), "right", verdicts=VERDICTS),
    "properties": Result(Report(), "tried", not_run=("this",)),
    "mutants": Result(Report(), "killed", verdicts=VERDICTS, strengths=(STRENGTH,)),
}


@pytest.fixture
def former(tmp_path: Path) -> Callable[..., FormerRun]:
    """A run that looks for what is kept."""

    def look(
        level: str = "full", *, key: str = "key", data: str = "data", fresh: bool = False,
        rebuild: bool = False, now: dt.datetime = NOW,
    ) -> FormerRun:  # fmt: skip
        found = FormerRun(tmp_path, "p", tmp_path / "p.duckdb", level, now)
        found.look(key, data, fresh, rebuild)
        return found

    (tmp_path / "p.duckdb").write_text("rows")
    return look


Look = Callable[..., FormerRun]


def names(found: FormerRun) -> set[str]:
    return {tier for tier in DEEP if found.known(tier)}


def test_all_is_taken_over_and_says_so(former: Look) -> None:
    former().keep(DEEP)
    found = former(now=NOW + dt.timedelta(hours=1))
    assert names(found) == set(DEEP)
    for tier, result in DEEP.items():
        known = found.known(tier)
        assert known is not None
        assert known.since == SINCE
        assert known.summary == result.summary  # a page that shows it is the same page
        assert (known.nodes, known.not_run) == (result.nodes, result.not_run)
    mutants = found.known("mutants")
    assert mutants is not None
    assert [v.since for v in mutants.verdicts] == [SINCE, "2026-05-01"]
    assert [s.since for s in mutants.strengths] == [SINCE]


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({"key": "other"}, set()),
        ({"fresh": True}, set()),
        ({"data": "other"}, {"oracle", "mutants"}),
        ({"rebuild": True}, {"oracle", "properties", "mutants"}),
        ({"now": NOW + dt.timedelta(days=1)}, {"oracle", "properties", "mutants"}),
        ({"level": "quick"}, set(DEEP)),
    ],
)
def test_what_has_changed_counts(former: Look, options: dict[str, object], left: set[str]) -> None:
    former().keep(DEEP)
    assert names(former(**options)) == left


def test_a_database_that_somebody_wrote_to_is_built_again(former: Look, tmp_path: Path) -> None:
    former().keep(DEEP)
    (tmp_path / "p.duckdb").write_text("other rows")
    assert "build" not in names(former())


def test_a_quick_run_is_not_enough_for_a_full_one(former: Look) -> None:
    former("quick").keep({n: r for n, r in DEEP.items() if n != "mutants"})
    assert names(former("quick")) == set(DEEP) - {"mutants"}
    assert names(former("full")) == set()


def test_faults_that_time_cut_off_are_not_kept(former: Look) -> None:
    left = replace(DEEP["mutants"], strengths=(replace(STRENGTH, not_tried=1),))
    former().keep(DEEP | {"mutants": left})
    assert names(former()) == {"properties"}


def test_what_was_taken_over_keeps_its_moment(former: Look) -> None:
    former().keep(DEEP)
    later = NOW + dt.timedelta(days=1)
    again = former(now=later)
    known = {n: r for n in DEEP if (r := again.known(n)) is not None}
    again.keep({**known, "build": DEEP["build"]})
    found = former(now=later)
    moments = {n: r.since for n in DEEP if (r := found.known(n)) is not None}
    assert moments == {n: "2026-06-02T12:00:00Z" if n == "build" else SINCE for n in DEEP}
