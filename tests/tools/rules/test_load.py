from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from tests.cases import each
from tools.errors import InputError, UsageError
from tools.rules.load import MAX_BYTES, load_constitution, parse_constitution

CASES = Path(__file__).parent / "cases"
GOOD = """# Title

## A1 Naming {#A1}

Names *matter*.

```rule
id: A1.R1
level: MUST
on: sql
check: no_select_star
hint: name them
```

```pass
select a from b
```

```sql
select this from prose
```

~~~~fail yaml
files: {}
~~~~

```rule
id: A1.R2
level: SHOULD
on: model
when: size(model.grain) > 0
expr: model.name != "a"
message: called a
```

```gate
id: A1.G1
before: commit
message: look at it
```

## A2 Prose {#A2}

Only words.
"""


def escaped(pattern: str) -> str:
    """A pattern in which ``*`` at the end is the only wildcard."""
    body = pattern.replace("[", "[[]").replace("?", "[?]")
    return body if body.endswith("*") else body.replace("*", "[*]")


@each(CASES / "errors.yaml")
def test_errors_say_file_and_line(case: dict[str, Any]) -> None:
    files = case.get("files") or {"constitution/a.md": case["text"]}
    with pytest.raises(InputError) as caught:
        parse_constitution(files)
    found = [str(f) for f in caught.value.findings]
    assert len(found) == len(case["errors"]), found
    for line, pattern in zip(sorted(found), sorted(case["errors"]), strict=True):
        assert fnmatchcase(line, escaped(pattern)), line
    assert caught.value.exit_code == 1


def test_a_good_file() -> None:
    found = parse_constitution({"constitution/a.md": GOOD})
    first, second = found.articles
    assert (first.id, first.title, first.location.line) == ("A1", "Naming", 3)
    assert first.prose == "Names *matter*."
    assert [r.id for r in found.rules] == ["A1.R1", "A1.R2"]
    star, name = found.rules
    assert (star.level, star.on, star.check, star.hint) == (
        "MUST",
        "sql",
        "no_select_star",
        "name them",
    )
    assert [(e.expects, e.language, e.location.line) for e in star.examples] == [
        ("pass", "sql", 15),
        ("fail", "yaml", 23),
    ]
    assert star.examples[0].text == "select a from b\n"
    assert (name.when, name.expr, name.message) == (
        "size(model.grain) > 0",
        'model.name != "a"',
        "called a",
    )
    assert [(g.id, g.before, g.what) for g in found.gates] == [("A1.G1", "commit", "code")]
    assert not second.machine_checked
    assert found.rule("A1.R2") is name
    assert found.rule("A1.R9") is None
    assert found.article("A2") is second
    assert found.article("A9") is None


def test_windows_line_ends_change_nothing() -> None:
    assert parse_constitution({"c/a.md": GOOD.replace("\n", "\r\n")}) == parse_constitution(
        {"c/a.md": GOOD}
    )


def test_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "constitution"
    folder.mkdir()
    (folder / "README.md").write_text("## Not an article\n", encoding="utf-8")
    (folder / "b.md").write_text("## A2 Two {#A2}\n", encoding="utf-8")
    (folder / "a.md").write_text("\ufeff## A1 One {#A1}\n", encoding="utf-8")
    (folder / "waivers.yaml").write_text("# none\n", encoding="utf-8")
    found = load_constitution(folder)
    assert [str(a.location) for a in found.articles] == [
        "constitution/a.md:1",
        "constitution/b.md:1",
    ]
    assert found.waivers == ()


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        load_constitution(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"## A1 One {#A1}\n\nna\xefve\n",
            "constitution/a.md:3:3: error CON001 byte 0xef is not UTF-8",
        ),
        (b"x" * (MAX_BYTES + 1), "constitution/a.md: error CON001 524,289 bytes"),
        (b"\0\0\0\n", "constitution: error CON001 there is no article"),
        (b"## " + b"a" * 100_000, f"constitution/a.md:1: error CON003 '## {'a' * 60}...' is not"),
        (b"```rule\n" * 20_000, "constitution/a.md:1: error CON003 a rule block stands before"),
        (
            b"## A1 One {#A1}\n\n```rule\n" + b"a: " * 20_000 + b"\n```\n",
            "constitution/a.md:4:5: error CON004 not YAML",
        ),
        (
            b"## A1 One {#A1}\n\n```rule\na: " + b"[" * 20_000 + b"\n```\n",
            "constitution/a.md:4:43: error CON004 more than 40 mappings",
        ),
    ],
    ids=["not utf-8", "huge", "binary", "long heading", "fences", "long line", "deep"],
)
def test_hostile_files(tmp_path: Path, content: bytes, message: str) -> None:
    folder = tmp_path / "constitution"
    folder.mkdir()
    (folder / "a.md").write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_constitution(folder)
    assert str(caught.value.findings[0]).startswith(message)


def test_too_many_files(tmp_path: Path) -> None:
    for number in range(201):
        (tmp_path / f"{number}.md").touch()
    with pytest.raises(UsageError, match="201 files"):
        load_constitution(tmp_path)
