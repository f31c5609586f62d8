"""Long results keep head and tail; the whole lies in a file named by its content."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tools.calls._output import EVIDENCE_LIMIT, listed, shaped
from tools.desk import Desk
from tools.findings import Finding, Location, Report, Severity


def test_a_short_text_is_whole(office: Any) -> None:
    assert shaped(office.desk, "x", "a\nb").text == "a\nb"
    assert not office.desk.outputs.exists()


def test_the_same_text_lies_in_the_same_file(office: Any) -> None:
    text = "\n".join(str(n) for n in range(9999))
    first, second = (shaped(office.desk, "x", text, error=True) for _ in range(2))
    assert first == second
    assert first.is_error
    assert (office.root / first.full).read_text() == text
    assert len(list(office.desk.outputs.iterdir())) == 1


def test_one_endless_line_is_cut_inside(office: Any) -> None:
    result = shaped(office.desk, "x", "a" * 900 + "b" * 900, limit=1000, tail=0.5)
    head, gap, tail = result.text.split("\n")
    assert (head, tail) == ("a" * 500, "b" * 500)
    assert "800 characters left out" in gap


@given(
    st.lists(st.text(alphabet="ab\u00e9", max_size=30), min_size=1, max_size=60),
    st.floats(0, 1),
)
def test_head_and_tail_are_parts_of_the_text(lines: list[str], tail: float) -> None:
    import tempfile
    from pathlib import Path

    from tools.workspace import Workspace

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        desk = Desk(root, Workspace(root), root / "out")
        text = "\n".join(lines)
        result = shaped(desk, "x", text, limit=100, tail=tail)
        if not result.full:
            assert result.text == text
            return
        head, _, rest = result.text.partition("[... ")
        assert text.startswith(head.removesuffix("\n"))
        assert text.endswith(rest.partition(" ...]")[2].removeprefix("\n"))
        assert len(head) + len(rest.partition(" ...]")[2]) <= 104


def test_findings_have_place_hint_and_evidence() -> None:
    where = Location("a.sql", 3, 1)
    long = "x" * (EVIDENCE_LIMIT + 10)
    text = listed(
        Report.of(
            [
                Finding("B1", Severity.WARNING, "odd", evidence=long),
                Finding("A1", Severity.ERROR, "wrong", where, hint="mend it", evidence="r1\nr2"),
            ]
        )
    )
    assert text.startswith("a.sql:3:1: error A1 wrong (mend it)\n    r1\n    r2\nwarning B1 odd")
    assert text.endswith("[...]")
