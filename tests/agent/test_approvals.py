from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.approvals import find_approval, make_approval, read_approvals, record_approval
from tools.errors import InputError

GATE = {"what": "spec", "subject": "orders", "sha256": "a" * 64}
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_an_approval_counts_for_its_content_only(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "approvals.jsonl"
    record_approval(file, make_approval(GATE, "Ada <ada@example.org>", NOW, "fine"))
    records = read_approvals(file)
    found = find_approval(records, "spec", "orders", "a" * 64)
    assert found is not None
    assert (found.who, found.note, found.when) == (
        "Ada <ada@example.org>",
        "fine",
        "2026-01-02T00:00:00+00:00",
    )
    assert find_approval(records, "spec", "orders", "b" * 64) is None
    assert find_approval(records, "code", "orders", "a" * 64) is None
    assert find_approval(records, "spec", "other", "a" * 64) is None


def test_records_are_appended(tmp_path: Path) -> None:
    file = tmp_path / "approvals.jsonl"
    for who in ("Ada", "Grace"):
        record_approval(file, make_approval(GATE, who, NOW))
    found = find_approval(read_approvals(file), "spec", "orders", "a" * 64)
    assert found is not None
    assert found.who == "Grace"
    assert len(file.read_text().splitlines()) == 2


@pytest.mark.parametrize("line", ["{", "[]", '{"who": "x"}', '"a"'])
def test_a_line_that_is_no_record_is_an_error_with_its_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "approvals.jsonl"
    record_approval(file, make_approval(GATE, "Ada", NOW))
    with file.open("a") as stream:
        stream.write(line + "\n")
    with pytest.raises(InputError, match=r"approvals\.jsonl:2"):
        read_approvals(file)
