from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tools.review.tables import coarse, code, fenced, one_line, prose, table

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def cells(markdown: str) -> list[str]:
    """What a reader sees in the cells of the body of the only table."""
    tokens = READER.parse(markdown)
    assert [t.type for t in tokens].count("table_open") == 1
    found = []
    for number, token in enumerate(tokens):
        if token.type == "td_open":
            found.append(
                "".join(
                    t.content for t in tokens[number + 1].children or () if "html" not in t.type
                )
            )
    return found


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain words", "plain words"),
        ("a|b", "a&#124;b"),
        ("snake_case stays", "snake_case stays"),
        ("_leans_", "&#95;leans&#95;"),
        ("two\n\nlines", "two lines"),
        ("# no heading", "&#35; no heading"),
        ("1. no list", "&#49;. no list"),
        ("1.2.0", "1.2.0"),
        ("see https://x.invalid", "see https&#58;//x.invalid"),
    ],
)
def test_prose(text: str, written: str) -> None:
    assert prose(text) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("order_id", "`order_id`"),
        ("", ""),
        ("a < b", "`a < b`"),
        ("a|b", "<code>a&#124;b</code>"),
        ("`", "<code>&#96;</code>"),
        ("x\\", "<code>x&#92;</code>"),
    ],
)
def test_code(text: str, written: str) -> None:
    assert code(text) == written


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_stays_in_its_cell_and_reads_the_same(first: str, second: str) -> None:
    rows = [(prose(first), code(second), "end")]
    assert cells(table(("a", "b", "c"), rows)) == [one_line(first), one_line(second), "end"]


@given(st.text(max_size=60))
def test_any_text_in_a_paragraph_is_one_paragraph_of_that_text(text: str) -> None:
    expected = one_line(text)
    tokens = READER.parse(prose(text))
    assert [t.type for t in tokens] == (
        ["paragraph_open", "inline", "paragraph_close"] if expected else []
    )
    if expected:
        assert {t.type for t in tokens[1].children or ()} <= {"text", "text_special"}
        assert "".join(t.content for t in tokens[1].children or ()) == expected


@given(st.text(alphabet="`~ab \n\\|<", max_size=80))
def test_no_text_closes_its_fence(text: str) -> None:
    tokens = READER.parse(fenced(text) + "\n\nafter")
    assert [t.type for t in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]


def test_a_long_block_is_cut() -> None:
    block = fenced("\n".join(str(n) for n in range(100)), most=10)
    assert "9\n... 90 more lines are in the trace of the run\n```" in block


def test_a_row_of_another_width_is_a_bug() -> None:
    with pytest.raises(ValueError, match="a row of 1 cells in a table of 2"):
        table(("a", "b"), [("x",)])


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "under 1 s"), (0.99, "under 1 s"), (1, "under 10 s"), (9.9, "under 10 s"),
     (10, "under 1 min"), (60, "under 10 min"), (600, "under 1 h"), (3600, "over 1 h")],
)  # fmt: skip
def test_coarse(seconds: float, said: str) -> None:
    assert coarse(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "before", "said"),
    [
        (11, "under 10 s", "under 10 s"),
        (19.9, "under 10 s", "under 10 s"),
        (20, "under 10 s", "under 1 min"),
        (0.6, "under 10 s", "under 10 s"),
        (0.4, "under 10 s", "under 1 s"),
        (4000, "over 1 h", "over 1 h"),
        (3, "nonsense", "under 10 s"),
    ],
)
def test_coarse_keeps_what_was_said_near_an_edge(seconds: float, before: str, said: str) -> None:
    assert coarse(seconds, before) == said
