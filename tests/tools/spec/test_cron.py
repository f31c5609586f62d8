"""Cron expressions: what a scheduler reads, and what it would not."""

from __future__ import annotations

import pytest

from tools.spec.cron import PRESETS, problem


@pytest.mark.parametrize(
    "schedule",
    [
        *PRESETS, "* * * * *", "0 6 * * *", "*/5 0-23/2 1,15 * 1-5", "0 0 1 jan sun", " 5 4 * * 7 ",
        "0 0 * * MON-FRI", "59 23 31 12 6",
    ],
)  # fmt: skip
def test_good(schedule: str) -> None:
    assert problem(schedule) is None


@pytest.mark.parametrize(
    ("schedule", "part"),
    [
        ("", "0 fields"),
        ("* * * *", "4 fields"),
        ("0 0 6 * * *", "6 fields"),
        ("@every 5m", "is none of"),
        ("@Hourly", "is none of"),
        ("60 * * * *", "minute '60'"),
        ("* 24 * * *", "hour '24'"),
        ("* * 0 * *", "day of month '0'"),
        ("* * * 13 *", "month '13'"),
        ("* * * * 8", "day of week '8'"),
        ("* * * foo *", "not within"),
        ("*/0 * * * *", "step of 0"),
        ("5-1 * * * *", "runs backwards"),
        ("1,,2 * * * *", "no number"),
        ("-1 * * * *", "no number"),
        ("١ * * * *", "not within"),
        ("99999999999999999999 * * * *", "not within"),
        ("? * * * *", "no number"),
        ("hourly", "1 fields"),
    ],
)
def test_bad(schedule: str, part: str) -> None:
    assert part in (problem(schedule) or "")
