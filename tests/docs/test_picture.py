"""Pictures of terminals: colours and text are kept, seconds and ids do not count."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.picture import is_new, picture, plain, shown

_RUN = (
    "\x1b[1mdim_order\x1b[0m 1.0.0  \x1b[32mdone\x1b[0m in 12.5 s ───────\n"
    "✓ {x} <commit>  0.1 s  602d42d\n"
)


def test_a_picture_holds_the_text_and_the_colours() -> None:
    svg = picture("a run", _RUN)
    assert shown(svg) == "dim_order 1.0.0  done in 12.5 s ───────\n✓ {x} <commit>  0.1 s  602d42d"
    assert "font-weight: bold" in svg
    assert "#7ec477" in svg  # green
    assert svg == picture("a run", _RUN)


def test_a_picture_fetches_nothing() -> None:
    svg = picture("a run", _RUN).replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "http" not in svg
    assert "@import" not in svg
    assert "font-face" not in svg


def test_seconds_and_ids_are_not_news_and_words_are(tmp_path: Path) -> None:
    file = tmp_path / "picture.svg"
    assert is_new(file, picture("a run", _RUN))
    file.write_text(picture("a run", _RUN), encoding="utf-8")
    later = _RUN.replace("12.5 s ───────", "9.75 s ────────").replace("602d42d", "0123abc")
    assert not is_new(file, picture("a run", later))
    assert is_new(file, picture("a run", _RUN.replace("done", "stopped")))
    file.write_text("<svg/>", encoding="utf-8")
    assert is_new(file, picture("a run", _RUN))


def test_numbers_that_count_something_stay() -> None:
    assert plain("21 files, 49 of 49 tests pass") == "21 files, 49 of 49 tests pass"


@pytest.mark.parametrize("text", ["", "no svg", "<html></html>", "<svg><desc/></svg>"])
def test_what_is_no_picture_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="SVG"):
        shown(text)
