import sys
from pathlib import Path

import pytest

from tools.errors import InternalError
from tools.rules import checks as folder
from tools.rules.registry import registered

GOOD = '''"""One.

Anti-pattern: none.

Best practice: none.
"""
from tools.rules.breach import Options as Params
NAME = "{name}"
ON = ("{on}",)
def check(item, params):
    return ()
'''


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose modules are checks too."""
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    before = set(sys.modules)
    registered.cache_clear()
    yield tmp_path
    registered.cache_clear()
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_every_check_of_the_folder_is_there() -> None:
    files = {p.stem for p in Path(folder.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(registered()) == files
    assert registered()["naming"].summary == (
        "Names say what a table is and which layer it belongs to."
    )


def test_a_new_file_is_a_new_check(planted: Path) -> None:
    (planted / "mine.py").write_text(GOOD.format(name="mine", on="model"), encoding="utf-8")
    assert registered()["mine"].on == {"model"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"""No patterns."""\n', "lacks NAME, ON, Params, check, 'Anti-pattern' in its docstring"),
        (GOOD.format(name="naming", on="model"), "two checks are called naming"),
        (GOOD.format(name="mine", on="models"), "unknown kinds in ON: models"),
    ],
)
def test_what_is_no_check(planted: Path, text: str, message: str) -> None:
    (planted / "mine.py").write_text(text, encoding="utf-8")
    with pytest.raises(InternalError, match=message):
        registered()
