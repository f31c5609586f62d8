from __future__ import annotations

import io
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.keys import Keys
from rich.cells import cell_len

from agent.terminal.chat_keys import Draft, with_meta
from agent.terminal.chat_paper import Paper, clean
from agent.terminal.console import make_console


def paper(width: int = 40) -> tuple[Paper, io.StringIO]:
    out = io.StringIO()
    console = make_console(file=out)
    console.width = width
    return Paper(console), out


def streamed(text: str, cuts: list[int], width: int = 40) -> str:
    page, out = paper(width)
    edges = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    for start, end in itertools.pairwise(edges):
        page.text(text[start:end])
    page.end()
    return out.getvalue()


WORDS = st.lists(st.text("abcé漢字", min_size=1, max_size=8), min_size=1, max_size=40)


@given(WORDS, st.lists(st.integers(0, 400), max_size=20))
def test_words_are_whole_and_lines_fit_however_text_arrives(
    words: list[str], cuts: list[int]
) -> None:
    printed = streamed(" ".join(words), cuts)
    assert printed.split() == words
    assert max(cell_len(line) for line in printed.split("\n")) <= 40


@given(st.text(st.characters(), max_size=80), st.lists(st.integers(0, 80), max_size=5))
def test_no_text_steers_the_terminal(text: str, cuts: list[int]) -> None:
    printed = streamed(text, cuts)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", printed)
    printed.encode("utf-8")


def test_a_long_word_is_left_to_the_terminal() -> None:
    address = "https://example.org/" + "x" * 50
    assert streamed(f"see {address} there", [4, 10, 30, 60]).split() == ["see", address, "there"]


def test_code_is_not_wrapped_and_keeps_its_spaces() -> None:
    code = "x" * 30 + "    " + "y" * 30
    printed = streamed(f"so:\n```sql\n{code}\n  from t\n```\n" + "word " * 20, [5, 9, 30])
    assert f"\n{code}\n  from t\n```\n" in printed
    assert max(map(len, printed.split("```\n")[-1].split("\n"))) <= 40


def test_a_line_that_is_begun_is_ended_before_something_else() -> None:
    page, out = paper()
    page.text("half a sen")
    page.line("a notice")
    page.text("tence")
    page.called(1, "read_file a.sql", "3 lines", ok=True)
    page.called(2, "search " + "x" * 100, "failed", ok=False)
    page.block("as it is   \n  here")
    lines = out.getvalue().split("\n")
    assert lines[:4] == ["half a sen", "a notice", "tence", "   1 ✓ read_file a.sql  3 lines"]
    assert len(lines[4]) == 40
    assert lines[4].endswith("…")
    assert lines[5:] == ["as it is   ", "  here", ""]


def test_a_long_diff_says_what_is_left_out() -> None:
    page, out = paper()
    page.diff("\n".join(f"+{number}" for number in range(500)), "/show 3")
    assert "+399\n[... 100 more lines; /show 3 ...]" in out.getvalue()


def test_a_terminal_of_few_characters() -> None:
    raw = io.BytesIO()
    console = make_console(file=io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    page = Paper(console)
    page.text("café ✓\n")
    page.called(1, "naïve", "ok", ok=True)
    assert raw.getvalue().startswith(b"caf? ?\n   1 ok na?ve")


def test_tabs_and_line_ends_of_windows() -> None:
    assert clean("a\tb\r\nc") == "a   b\nc"


def press(*keys: Keys | str) -> tuple[str, list[str]]:
    draft = Draft()
    found = [draft.press(key, meta=meta) for key, meta in with_meta([KeyPress(k) for k in keys])]
    return draft.text, [one for one in found if one != "edited"]


@pytest.mark.parametrize(
    ("keys", "text", "came"),
    [
        ([*"ab", Keys.ControlH, "c"], "ac", []),
        ([*"ab cd ", Keys.ControlW], "ab ", []),
        ([*"ab", Keys.ControlU], "", []),
        ([*"a", Keys.Escape, Keys.ControlM, "b"], "a\nb", []),
        ([*"a\\", Keys.ControlM, "b"], "a\nb", []),
        ([*"a", Keys.ControlM], "a", ["sent"]),
        ([*"a", Keys.Escape], "a", ["stop"]),
        ([Keys.ControlC], "", ["stop"]),
        ([Keys.ControlO], "", ["show"]),
        ([Keys.Up, Keys.CPRResponse, Keys.F1, "漢"], "漢", ["", "", ""]),
        ([Keys.Escape, "b"], "", [""]),
    ],
)
def test_a_draft(keys: list[Keys | str], text: str, came: list[str]) -> None:
    assert press(*keys) == (text, came)


def test_a_paste_is_not_sent_by_its_line_ends() -> None:
    draft = Draft("x")
    assert draft.press(KeyPress(Keys.BracketedPaste, "a\r\nb\rc\n")) == "edited"
    assert draft.text == "xa\nb\nc\n"
    assert draft.shown(6) == " / c / "[-6:]
    assert draft.take() == "xa\nb\nc\n"
    assert draft.text == ""
