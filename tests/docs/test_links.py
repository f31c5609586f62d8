"""Links between documents lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.build import ROOT
from tests.tracked import tracked

_LINK = re.compile(r"!?\[[^\]\n]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1\s*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
PAGES = [
    p for p in tracked() if p.suffix == ".md" and "cases" not in p.parts and "tests" not in p.parts
]


def _links(text: str) -> Iterator[str]:
    yield from _LINK.findall(_CODE.sub("", _FENCE.sub("", text)))


def _anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to headings, and those that a heading names: {#A2}."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", _FENCE.sub("", text), re.MULTILINE):
        found |= set(re.findall(r"\{#([^}]+)\}", heading))
        found.add(re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_resolve(page: Path) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in _links(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = ROOT / page.parent / path if path else ROOT / page
        assert target.exists(), f"{page}: {link}"
        assert target.resolve().is_relative_to(ROOT), f"{page}: {link} leaves the repo"
        if anchor:
            assert anchor in _anchors(target.read_text(encoding="utf-8")), f"{page}: {link}"


def test_there_are_pages_with_links() -> None:
    assert {Path("README.md"), Path("CONTRIBUTING.md"), Path("docs/rules.md")} <= set(PAGES)
    assert list(_links("see [this](a.md#b) and `[not](c)`")) == ["a.md#b"]
    assert "join_preserves_grain" in _anchors("### join_preserves_grain\n")
