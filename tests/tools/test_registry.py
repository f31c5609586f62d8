"""Modules of a folder are found; what is none of its kind is named."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tools.errors import InternalError
from tools.registry import documented, modules, named

GOOD = '"""One.\n\n    Why: because.\n"""\nNAME = "{}"\nCOST = 1\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A package without modules, on the path."""
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    import planted  # type: ignore[import-not-found]

    yield planted
    for name in [n for n in sys.modules if n.partition(".")[0] == "planted"]:
        del sys.modules[name]


def put(folder: ModuleType, name: str, text: str) -> None:
    (Path(folder.__path__[0]) / f"{name}.py").write_text(text)


def test_modules_are_found_by_name_and_its_own_are_left_out(folder: ModuleType) -> None:
    for name in ("b", "a", "_shared"):
        put(folder, name, GOOD.format(name))
    assert [m.__name__ for m in modules(folder)] == ["planted.a", "planted.b"]
    found = named(folder, "thing", has=("COST",), says=("Why:",))
    assert {name: m.COST for name, m in found.items()} == {"a": 1, "b": 1}
    assert documented(found["a"]) == "One.\n\nWhy: because."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("COST = 1\n", r"planted\.odd lacks NAME, 'Why:' in its docstring"),
        ('"""Why: so."""\nNAME = "odd"\n', "lacks COST"),
        (GOOD.format("a"), "two things are called a"),
    ],
)
def test_what_is_none_of_them_is_named(folder: ModuleType, text: str, message: str) -> None:
    put(folder, "a", GOOD.format("a"))
    put(folder, "odd", text)
    with pytest.raises(InternalError, match=message):
        named(folder, "thing", has=("COST",), says=("Why:",))
