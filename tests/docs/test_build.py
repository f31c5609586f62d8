"""Generated documents are up to date, and the check would say so if they were not."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from docs import build
from docs.picture import picture, plain, shown


def test_documents_are_up_to_date() -> None:
    assert list(build.outdated()) == [], build.REMEDY


def test_what_is_out_of_date_is_named_with_the_command_to_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = build.pages()
    changed = {**texts, "docs/cli.md": texts["docs/cli.md"] + "more\n", "docs/new.md": "new\n"}
    monkeypatch.setattr(build, "pages", lambda: changed)
    done = CliRunner().invoke(build.main, ["--check"])
    assert done.exit_code == 1
    assert "docs/cli.md: is not what the code says" in done.output
    assert "docs/new.md: is missing" in done.output
    assert "make docs" in done.output


@pytest.mark.parametrize(
    ("printed", "problem"),
    [
        ("$ specmill run specs/dim_order.yaml\ndim_order 1.0.0  done in 2.0 s", ""),
        ("$ specmill check\ndim_order 1.0.0  done in 2.0 s", "does not show `specmill run"),
        ("$ specmill run specs/dim_order.yaml\ndim_order 1.0.0  stopped in 2 s", "ended well"),
        (f"$ specmill run specs/dim_order.yaml\ndim_order  done in 2.0 s {'x' * 80}", "longer"),
    ],
)
def test_a_picture_of_something_else_is_refused(
    printed: str, problem: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / build.PICTURE).write_text(picture("a run", printed), encoding="utf-8")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    found = build.picture_problem()
    assert problem in found
    assert bool(problem) == bool(found)


@pytest.mark.slow
def test_the_picture_shows_what_a_run_prints_today() -> None:
    fresh = shown(picture("a run", build.real_run()))
    kept = shown((build.ROOT / build.PICTURE).read_text(encoding="utf-8"))
    assert plain(kept) == plain(fresh), build.REMEDY
