from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.artifact import Artifact, sha256_text
from tools.errors import InputError, UsageError, WaitsForPerson
from tools.lock import (
    LOCK,
    Drift,
    LockedFile,
    LockedSpec,
    LockFile,
    bases,
    drift,
    is_unedited,
    keep_bases,
    prune_bases,
)
from tools.lock_adopt import Edit, adopt, restore, with_custom_sql
from tools.lock_diff import conflicts, three_way, unified

PATH = "generated/dbt/models/marts/dim_order.sql"
BASE = "select\n    order_id,\n    status,\n    amount,\n    paid\nfrom orders\n"
SPEC = LockedSpec(digest="0" * 64, version="1.0.0", path="specs/dim_order.yaml")
MADE_BY = "specmill 0.1.0"


def sql(content: str = BASE, path: str = PATH, owner: str = "dim_order") -> Artifact:
    return Artifact(path, content, "compiled", owner)


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8", newline="")


def generated(root: Path, *artifacts: Artifact, pipeline: str = "dim_order") -> LockFile:
    """A workspace in which the artifacts were generated."""
    lock, _ = LockFile.load(root).update(pipeline, SPEC, artifacts, MADE_BY)
    for artifact in artifacts:
        put(root, artifact.path, artifact.content)
    keep_bases(root, artifacts)
    put(root, LOCK, lock.dumps())
    return lock


def no_base(path: str, sha256: str) -> str | None:
    return None


# the file


def test_it_reads_back_what_it_wrote(tmp_path: Path) -> None:
    assert LockFile.load(tmp_path) == LockFile()
    lock = generated(tmp_path, sql(), sql("ü", "generated/a b.md", "workspace"))
    text = (tmp_path / LOCK).read_text()
    assert LockFile.load(tmp_path) == lock
    assert LockFile.load(tmp_path).dumps() == text
    assert text.endswith("}\n")
    assert json.loads(text)["files"][PATH] == {
        "sha256": sha256_text(BASE),
        "origin": "compiled",
        "owners": ["dim_order"],
        "generator": MADE_BY,
    }


def test_the_order_of_things_does_not_matter() -> None:
    one, two = sql("1", "generated/1"), sql("2", "generated/2")
    ab = LockFile().update("a", SPEC, [one, two], MADE_BY)[0].update("b", SPEC, [one], MADE_BY)[0]
    ba = LockFile().update("b", SPEC, [one], MADE_BY)[0].update("a", SPEC, [two, one], MADE_BY)[0]
    assert ab.dumps() == ba.dumps()
    assert ab.files["generated/1"].owners == ["a", "b"]


def test_files_are_dropped_when_their_last_owner_makes_them_no_more() -> None:
    shared, own = sql("1", "generated/shared"), sql("2", "generated/own")
    lock, dropped = LockFile().update("a", SPEC, [shared, own], MADE_BY)
    lock, dropped = lock.update("b", SPEC, [shared], MADE_BY)
    assert dropped == ()
    lock, dropped = lock.update("a", SPEC, [], MADE_BY)
    assert dropped == ("generated/own",)
    assert lock.files["generated/shared"].owners == ["b"]
    lock, dropped = lock.forget("b")
    assert dropped == ("generated/shared",)
    assert (set(lock.specs), dict(lock.files)) == ({"a"}, {})


GOOD = LockFile().update("dim_order", SPEC, [sql()], MADE_BY)[0].dumps()


@pytest.mark.parametrize(
    ("text", "code", "line", "said"),
    [
        (GOOD.replace('  "format"', '<<<<<<< HEAD\n  "format"'), "LOCK001", 12, "merge conflict"),
        (GOOD.replace('  "format"', '=======\n  "format"'), "LOCK001", 12, "merge conflict"),
        (GOOD.replace('"format": 1', '"format": '), "LOCK002", 12, "not JSON"),
        ("", "LOCK002", 1, "not JSON"),
        ("[" * 100_000, "LOCK002", 1, "not JSON"),
        (GOOD.replace('  "format"', '  "files": {},\n  "format"'), "LOCK002", 12, "twice"),
        (GOOD.replace('"format": 1', '"format": 2'), "LOCK004", 12, "later specmill"),
        (GOOD.replace('"format": 1', '"format": "x"'), "LOCK003", 12, "format: input should"),
        (GOOD.replace('"origin": "compiled"', '"origin": 1'), "LOCK003", 5, "origin"),
        (GOOD.replace('"owners"', '"owner"'), "LOCK003", 3, "owners: field required"),
        (GOOD.replace("generated/dbt", "../../etc"), "LOCK003", 3, "not a path inside"),
        (GOOD.replace("specs/dim_order.yaml", "/etc/passwd"), "LOCK003", 16, "not a path inside"),
        ("[]", "LOCK003", 1, "the file"),
        ("null", "LOCK003", 1, "the file"),
    ],
)
def test_a_damaged_file(tmp_path: Path, text: str, code: str, line: int, said: str) -> None:
    put(tmp_path, LOCK, text)
    with pytest.raises(InputError, match=said) as caught:
        LockFile.load(tmp_path)
    (finding,) = caught.value.findings
    assert finding.location
    assert finding.location.path.endswith(LOCK)
    assert (finding.code, finding.location.line) == (code, line)
    assert caught.value.remedy


# drift


def test_no_drift(tmp_path: Path) -> None:
    lock = generated(tmp_path, sql())
    assert drift(tmp_path, lock, [sql("new\n"), sql("x", "generated/new.sql")], no_base) == ()


def test_line_ends_of_a_checkout_are_no_drift(tmp_path: Path) -> None:
    lock = generated(tmp_path, sql())
    put(tmp_path, PATH, BASE.replace("\n", "\r\n"))
    assert drift(tmp_path, lock, [sql("new\n")], no_base) == ()


def test_what_is_already_as_it_will_be_is_no_drift(tmp_path: Path) -> None:
    lock = generated(tmp_path, sql())
    put(tmp_path, PATH, "new\n")
    put(tmp_path, "generated/new.sql", "x\r\n")
    assert drift(tmp_path, lock, [sql("new\n"), sql("x\n", "generated/new.sql")], no_base) == ()


def test_files_of_others_are_not_looked_at(tmp_path: Path) -> None:
    lock = generated(tmp_path, sql("1", "generated/other.sql"), pipeline="other")
    put(tmp_path, "generated/other.sql", "edited")
    assert drift(tmp_path, lock, [sql()], no_base, "dim_order") == ()


def test_an_edit_beside_the_new_generation(tmp_path: Path) -> None:
    lock = generated(tmp_path, sql())
    put(tmp_path, PATH, BASE.replace("order_id,", "order_id as id,"))
    new = sql(BASE.replace("from orders", "from staging"))
    (found,) = drift(tmp_path, lock, [new], bases(tmp_path))
    assert (found.path, found.kind, found.conflict) == (PATH, "edited", False)
    yours, _, theirs = found.diff.partition("new generation")
    assert "-    order_id,\n+    order_id as id,\n" in yours
    assert "-from orders\n+from staging\n" in theirs
    assert "staging" not in yours
    assert "do not touch the same lines" in found.diff


def test_an_edit_of_the_same_line(tmp_path: Path) -> None:
    lock = generated(tmp_path, sql())
    put(tmp_path, PATH, BASE.replace("status,", "upper(status),"))
    new = sql(BASE.replace("status,", "lower(status),"))
    (found,) = drift(tmp_path, lock, [new], bases(tmp_path))
    assert found.conflict
    assert "both change line 3 " in found.diff


def test_an_edit_whose_base_is_lost(tmp_path: Path) -> None:
    lock = generated(tmp_path, sql())
    put(tmp_path, PATH, BASE + "-- mine\n")
    (found,) = drift(tmp_path, lock, [sql()], no_base)
    assert (found.kind, found.conflict) == ("edited", True)
    assert f"--- {PATH} (yours)\n+++ {PATH} (would be generated)\n" in found.diff
    assert "\n--- mine\n" in found.diff


def test_a_deleted_file(tmp_path: Path) -> None:
    lock = generated(tmp_path, sql())
    (tmp_path / PATH).unlink()
    (found,) = drift(tmp_path, lock, [sql(BASE + "where true\n")], bases(tmp_path))
    assert found.kind == "deleted"
    assert "+where true" in found.diff
    assert " from orders" in found.diff


def test_a_file_that_was_there_before(tmp_path: Path) -> None:
    put(tmp_path, PATH, "mine\n")
    (found,) = drift(tmp_path, LockFile(), [sql("made\n")], no_base)
    assert (found.kind, found.conflict) == ("untracked", True)
    assert "-mine\n+made\n" in found.diff


@pytest.mark.parametrize("kind", ["folder", "link", "bytes"])
def test_what_is_no_text_of_ours(tmp_path: Path, kind: str) -> None:
    lock = generated(tmp_path, sql())
    (tmp_path / PATH).unlink()
    if kind == "folder":
        (tmp_path / PATH).mkdir()
    elif kind == "link":
        put(tmp_path, "elsewhere", BASE)
        (tmp_path / PATH).symlink_to(tmp_path / "elsewhere")
    else:
        (tmp_path / PATH).write_bytes(b"\xff\xfe\x00")
    (found,) = drift(tmp_path, lock, [sql()], bases(tmp_path))
    assert found.kind == "edited"


def test_a_file_that_is_no_longer_made(tmp_path: Path) -> None:
    gone, shared = sql("1\n", "generated/gone.sql"), sql("s\n", "generated/shared.sql")
    generated(tmp_path, shared, pipeline="other")
    lock = generated(tmp_path, sql(), gone, shared)
    for path in (gone.path, shared.path):
        put(tmp_path, path, "edited\n")
    assert [d.path for d in drift(tmp_path, lock, [sql()], bases(tmp_path))] == []
    (found,) = drift(tmp_path, lock, [sql()], bases(tmp_path), "dim_order")
    assert (found.path, found.kind) == (gone.path, "edited")
    (tmp_path / gone.path).unlink()
    assert drift(tmp_path, lock, [sql()], bases(tmp_path), "dim_order") == ()


def test_is_unedited(tmp_path: Path) -> None:
    lock = generated(tmp_path, sql())
    assert is_unedited(tmp_path, lock, PATH)
    put(tmp_path, PATH, "edited")
    assert not is_unedited(tmp_path, lock, PATH)
    (tmp_path / PATH).unlink()
    assert not is_unedited(tmp_path, lock, PATH)
    put(tmp_path, "generated/unknown", "x")
    assert not is_unedited(tmp_path, lock, "generated/unknown")


def test_bases_are_found_again_checked_and_pruned(tmp_path: Path) -> None:
    lock = generated(tmp_path, sql())
    generated(tmp_path, sql("old\n", "generated/old.sql"), pipeline="other")
    asked = []

    def history(path: str, sha256: str) -> str:
        asked.append((path, sha256))
        return "from history"

    find, sha256 = bases(tmp_path, history), sha256_text(BASE)
    assert find(PATH, sha256) == BASE
    assert prune_bases(tmp_path, lock) == 1
    assert [p.name for p in (tmp_path / ".specmill/base").iterdir()] == [sha256]
    assert asked == []
    put(tmp_path, f".specmill/base/{sha256}", "tampered")
    assert find(PATH, sha256) == "from history"
    assert asked == [(PATH, sha256)]
    assert prune_bases(tmp_path / "nowhere", lock) == 0


# three texts


@pytest.mark.parametrize(
    ("base", "yours", "theirs", "expected"),
    [
        ("abc", "abc", "abc", ()),
        ("abc", "Abc", "abc", ()),
        ("abc", "Abc", "Abc", ()),
        ("abcd", "Abcd", "abCd", ()),
        ("abc", "Abc", "Xbc", ((1, 1),)),
        ("abc", "Abc", "aXc", ((1, 2),)),
        ("abc", "aXbc", "aYbc", ((2, 2),)),
        ("abc", "c", "abX", ((1, 3),)),
        ("abcd", "XbcY", "ZbcW", ((1, 1), (4, 4))),
        ("abcd", "", "abcd", ()),
        ("abcd", "", "abcX", ((1, 4),)),
    ],
)
def test_conflicts(
    base: str, yours: str, theirs: str, expected: tuple[tuple[int, int], ...]
) -> None:
    lined = ["".join(f"{c}\n" for c in text) for text in (base, yours, theirs)]
    assert conflicts(*lined) == expected


def test_a_missing_line_end_is_a_difference() -> None:
    assert "+a\n\\ No newline at end of file\n" in unified("a\n", "a", "x", "y")
    assert unified("", "", "x", "y") == ""
    assert unified("\n", "", "x", "y").endswith("-\n")


def test_a_diff_of_long_files_is_not_tried() -> None:
    long = "x\n" * 30_000
    assert "too long" in unified(long, long + "y", "a", "b")
    assert unified(long, long, "a", "b") == ""
    assert three_way(long, long + "y", long + "z", "a")[1] == ((1, 30_000),)


def test_a_side_without_change_says_so() -> None:
    assert "new generation (since then):\n(no change)\n" in three_way("a\n", "b\n", "a\n", "p")[0]


# adopt and restore

YAML_SPEC = """\
# The orders.
pipeline: dim_order
models:
- name: 'stg_order'   # staging
  from:   shop.order
  columns: [{name: a},   {name: b}]

- layer: marts
  name: dim_order     # the one

  # why so
  from: stg_order
"""


def apply(root: Path, edits: tuple[Edit, ...]) -> None:
    for edit in edits:
        if edit.content is None:
            (root / edit.path).unlink()
        else:
            put(root, edit.path, edit.content)


def test_adopt_moves_the_file_and_names_it_in_the_spec(tmp_path: Path) -> None:
    lock = generated(tmp_path, sql(), sql("x", "generated/other.sql"))
    put(tmp_path, "specs/dim_order.yaml", YAML_SPEC)
    put(tmp_path, PATH, "select 'mine'\n")
    edits = adopt(tmp_path, lock, PATH, "specs/dim_order.yaml", "dim_order")
    assert (tmp_path / PATH).exists()
    apply(tmp_path, edits)
    custom = "custom/dbt/models/marts/dim_order.sql"
    assert (tmp_path / custom).read_text() == "select 'mine'\n"
    assert not (tmp_path / PATH).exists()
    assert set(LockFile.load(tmp_path).files) == {"generated/other.sql"}
    assert (tmp_path / "specs/dim_order.yaml").read_text() == YAML_SPEC.replace(
        "# the one\n", f"# the one\n  custom: {{sql_file: {custom}}}\n"
    )
    again = drift(tmp_path, LockFile.load(tmp_path), [sql("made of custom\n")], bases(tmp_path))
    assert again == ()


def test_adopt_of_a_file_that_no_model_owns(tmp_path: Path) -> None:
    lock = generated(tmp_path, sql("x", "generated/dbt/macros/m.sql"))
    edits = adopt(tmp_path, lock, "generated/dbt/macros/m.sql", "specs/nope.yaml", None)
    paths = [e.path for e in edits]
    assert paths == ["custom/dbt/macros/m.sql", "generated/dbt/macros/m.sql", LOCK]


def test_adopt_refuses(tmp_path: Path) -> None:
    lock = generated(tmp_path, sql())
    put(tmp_path, "specs/a.yaml", YAML_SPEC)
    with pytest.raises(UsageError, match="not a generated file"):
        adopt(tmp_path, lock, "README.md", "specs/a.yaml", "dim_order")
    with pytest.raises(InputError, match="no model 'dim_x'"):
        adopt(tmp_path, lock, PATH, "specs/a.yaml", "dim_x")
    put(tmp_path, "custom/dbt/models/marts/dim_order.sql", "another\n")
    with pytest.raises(WaitsForPerson, match="exists already"):
        adopt(tmp_path, lock, PATH, "specs/a.yaml", "dim_order")
    (tmp_path / PATH).unlink()
    with pytest.raises(UsageError, match="is not there"):
        adopt(tmp_path, lock, PATH, "specs/a.yaml", "dim_order")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("models:\n  - name: m", "models:\n  - name: m\n    custom: {sql_file: custom/m.sql}\n"),
        (
            "models:\r\n- name: m\r\n  from: a\r\n",
            "models:\r\n- name: m\r\n  custom: {sql_file: custom/m.sql}\r\n  from: a\r\n",
        ),
        (
            "models:\n- {name: m, from: a}  # flow\n",
            "models:\n- {name: m, from: a, custom: {sql_file: custom/m.sql}} # flow\n",
        ),
        (
            "models:\n  # one\n  - name: m\n    custom:\n      macro: x # it\n    from: a # b\n",
            (
                "models:\n  # one\n  - name: m\n    custom:\n      macro: x # it\n"
                "      sql_file: custom/m.sql\n    from: a # b\n"
            ),
        ),
        (
            "models:\n- name: m\n  custom: {sql_file: old.sql}\n",
            "models:\n- name: m\n  custom: {sql_file: custom/m.sql}\n",
        ),
        (
            '{"models": [{"name": "m", "from": "ü"}]}',
            (
                '{\n  "models": [\n    {\n      "name": "m",\n      "from": "ü",\n'
                '      "custom": {\n        "sql_file": "custom/m.sql"\n      }\n    }\n  ]\n}\n'
            ),
        ),
    ],
)
def test_the_edit_of_a_spec(text: str, expected: str) -> None:
    assert with_custom_sql(text, "a.yaml", "m", "custom/m.sql") == expected


@pytest.mark.parametrize(
    "text", ["", "a: [", "- a\n", "models: 1\n", "models: [1]\n", "{", "pipeline_spec: {}\n"]
)
def test_the_edit_of_what_is_no_spec(text: str) -> None:
    with pytest.raises(InputError, match=r"a\.yaml: "):
        with_custom_sql(text, "a.yaml", "m", "custom/m.sql")


def test_restore(tmp_path: Path) -> None:
    lock = generated(tmp_path, sql())
    put(tmp_path, PATH, "edited")
    assert restore(tmp_path, lock, PATH, bases(tmp_path), "newer").content == BASE
    assert restore(tmp_path, lock, PATH, no_base, "newer").content == "newer"
    with pytest.raises(WaitsForPerson, match="neither in") as caught:
        restore(tmp_path, lock, PATH, no_base)
    assert "delete it" in caught.value.remedy
    with pytest.raises(UsageError, match="not a generated file"):
        restore(tmp_path, lock, "README.md", no_base)


def test_a_drift_and_a_locked_file_are_values() -> None:
    assert Drift("a", "edited", "") == Drift("a", "edited", "")
    assert LockedFile(sha256="0" * 64, origin="compiled", owners=["a"], generator="g")
