from __future__ import annotations

import os
import stat
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import tools.repo_listing
from agent.checkpoints import Checkpoints
from tests.agent.support import git
from tools.errors import UsageError, WaitsForPerson
from tools.repo_snapshot import forget_others

Shape = dict[str, tuple[str, int, bytes]]


def shape(root: Path) -> Shape:
    """Everything in a folder but git's and specmill's own: kind, permissions, content."""
    found: Shape = {}
    for place, folders, files in os.walk(root):
        folders[:] = [f for f in folders if f not in (".git", ".specmill")]
        here = Path(place)
        for name in [*folders, *files]:
            path = here / name
            key = path.relative_to(root).as_posix()
            if path.is_symlink():
                found[key] = ("link", 0, os.readlink(path).encode())  # noqa: PTH115
            elif path.is_dir():
                found[key] = ("folder", 0, b"")
            else:
                mode = stat.S_IMODE(path.stat().st_mode)
                found[key] = ("file", mode, path.read_bytes() if os.access(path, os.R_OK) else b"?")
        folders[:] = [f for f in folders if not (here / f).is_symlink()]
    return found


def fill(root: Path) -> None:
    """Files of every kind that a snapshot has to keep."""
    root.mkdir(parents=True, exist_ok=True)
    (root / ".gitignore").write_text("ignored/\n*.log\n")
    (root / ".gitattributes").write_text("*.txt text eol=lf\n*.bin filter=broken\n")
    (root / "a.sql").write_text("select 1\n")
    (root / "crlf.txt").write_bytes(b"one\r\ntwo\r\n")
    (root / "blob.bin").write_bytes(bytes(range(256)))
    (root / "empty").write_bytes(b"")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "private").write_text("mine\n")
    (root / "private").chmod(0o600)
    (root / "deep/er").mkdir(parents=True)
    (root / "deep/er/x.yaml").write_text("x: 1\n")
    (root / "hollow/inner").mkdir(parents=True)
    (root / "link").symlink_to("./a.sql")
    (root / "dangling").symlink_to("no//such")
    (root / 'odd "name"\\ é\t.txt').write_text("odd\n")
    (root / "line\nbreak").write_text("odd\n")
    (root / b"\xff\xfe".decode("utf-8", "surrogateescape")).write_text("bytes\n")
    (root / "ignored").mkdir()
    (root / "ignored/data.csv").write_text("1\n")
    (root / "x.log").write_text("log\n")


@pytest.fixture(params=["repo", "folder of a repo", "no repo", "ignored folder"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    top = tmp_path / "top"
    root = top if request.param in ("repo", "no repo") else top / "plat form"
    fill(root)
    if request.param != "no repo":
        git(tmp_path, "init", "-q", str(top))
        git(top, "config", "core.autocrlf", "true")
        if request.param == "ignored folder":
            (top / ".gitignore").write_text("/plat form/\n")
        else:
            git(root, "add", "a.sql", "deep", "link")
            git(root, "commit", "-q", "-m", "first")
            (root / "staged.sql").write_text("staged\n")
            git(root, "add", "staged.sql")
    return root


def wreck(root: Path) -> None:
    """What a turn with a shell can do to the files."""
    (root / "a.sql").write_text("select 2\n")
    (root / "crlf.txt").write_bytes(b"one\n")
    (root / "blob.bin").unlink()
    (root / "empty").write_text("full\n")
    (root / "run.sh").chmod(0o644)
    (root / "private").chmod(0o640)
    (root / "deep/er/x.yaml").unlink()
    (root / "deep/er").rmdir()
    (root / "deep/er").write_text("a file now\n")
    (root / "hollow/inner").rmdir()
    (root / "link").unlink()
    (root / "link").write_text("no link\n")
    (root / "dangling").unlink()
    (root / "dangling").mkdir()
    (root / "dangling/y").write_text("y\n")
    (root / "new/folder").mkdir(parents=True)
    (root / "new/folder/z.sql").write_text("z\n")
    (root / "line\nbreak").unlink()
    (root / 'odd "name"\\ é\t.txt').write_text("changed\n")


def start(root: Path, tmp_path: Path) -> Checkpoints:
    return Checkpoints.load(root, "s1", tmp_path / "session")


def test_undo_and_redo_are_exact(root: Path, tmp_path: Path) -> None:
    points = start(root, tmp_path)
    before = shape(root)
    points.begin("wreck it")
    points.begin("wreck it")  # a second write of the same turn
    wreck(root)
    points.mark()
    after = shape(root)
    assert "a.sql" in points.end()
    moved = points.undo()
    assert shape(root) == before
    assert moved.label == "wreck it"
    assert "new/folder/z.sql" in moved.paths
    points.redo()
    assert shape(root) == after
    points.undo()
    assert shape(root) == before
    with pytest.raises(UsageError, match="nothing to undo"):
        points.undo()


def test_nothing_of_the_person_in_git_changes(tmp_path: Path) -> None:
    root = tmp_path / "top"
    fill(root)
    git(tmp_path, "init", "-q", str(root))
    git(root, "add", "a.sql")
    git(root, "commit", "-q", "-m", "first")
    (root / "a.sql").write_text("stashed\n")
    git(root, "stash", "-q")
    (root / "a.sql").write_text("half done\n")
    git(root, "add", "-N", "crlf.txt")

    def seen() -> tuple[object, ...]:
        own = [
            line for line in git(root, "for-each-ref").splitlines() if "refs/specmill/" not in line
        ]
        index = (root / ".git/index").read_bytes()
        return own, index, (root / ".git/HEAD").read_text(), git(root, "stash", "list")

    before = seen()
    points = start(root, tmp_path)
    points.begin("wreck it")
    wreck(root)
    points.mark()
    points.end()
    points.undo()
    points.redo()
    assert seen() == before
    refs = git(root, "for-each-ref", "--format=%(refname)", "refs/specmill").splitlines()
    assert refs == ["refs/specmill/checkpoints/s1"]
    assert git(root, "fsck", "--no-dangling") == ""


def test_what_the_person_edited_since_is_not_overwritten(root: Path, tmp_path: Path) -> None:
    points = start(root, tmp_path)
    points.begin("change a")
    (root / "a.sql").write_text("select 2\n")
    (root / "new.sql").write_text("new\n")
    points.mark()
    points.end()
    (root / "a.sql").write_text("mine\n")
    (root / "other.sql").write_text("mine too\n")
    edited = shape(root)
    with pytest.raises(WaitsForPerson, match=r"edited since: a\.sql"):
        points.undo()
    assert shape(root) == edited
    points.undo(force=True)
    assert (root / "a.sql").read_text() == "select 1\n"
    assert not (root / "new.sql").exists()
    assert (root / "other.sql").read_text() == "mine too\n"
    (root / "other.sql").write_text("later\n")
    points.redo()
    assert (root / "a.sql").read_text() == "mine\n"
    assert (root / "other.sql").read_text() == "later\n"
    (root / "a.sql").write_text("again\n")
    with pytest.raises(WaitsForPerson):
        points.undo()


def test_a_redo_refuses_as_an_undo_does(root: Path, tmp_path: Path) -> None:
    points = start(root, tmp_path)
    points.begin("change a")
    (root / "a.sql").write_text("select 2\n")
    points.mark()
    points.end()
    points.undo()
    (root / "a.sql").write_text("mine\n")
    with pytest.raises(WaitsForPerson) as refused:
        points.redo()
    assert "/redo force" in refused.value.remedy
    points.redo(force=True)
    assert (root / "a.sql").read_text() == "select 2\n"
    points.undo()
    assert (root / "a.sql").read_text() == "mine\n"


def test_steps_survive_the_process_and_a_kill_in_the_middle(root: Path, tmp_path: Path) -> None:
    before = shape(root)
    points = start(root, tmp_path)
    points.begin("first")
    (root / "a.sql").write_text("select 2\n")
    points.mark()  # and killed before end()
    again = start(root, tmp_path)
    again.undo()
    assert shape(root) == before
    again.begin("second")
    (root / "b.sql").write_text("unmarked\n")  # killed in the middle of a call
    third = start(root, tmp_path)
    assert [step.label for step in third.steps] == ["second"]
    with pytest.raises(WaitsForPerson, match=r"edited since: b\.sql"):
        third.undo()  # nobody knows whose it is
    third.undo(force=True)
    assert shape(root) == before
    third.redo()
    assert (root / "b.sql").read_text() == "unmarked\n"


def test_an_interrupted_undo_is_finished_by_another(root: Path, tmp_path: Path) -> None:
    before = shape(root)
    points = start(root, tmp_path)
    points.begin("two files")
    (root / "a.sql").write_text("select 2\n")
    (root / "private").write_text("theirs\n")
    points.mark()
    points.end()
    (root / "a.sql").write_text("select 1\n")  # as far as the first try came
    points.undo()
    assert shape(root) == before


def test_ignored_files_are_never_deleted(root: Path, tmp_path: Path) -> None:
    points = start(root, tmp_path)
    before = shape(root)
    points.begin("stop ignoring")
    (root / ".gitignore").write_text("")
    (root / "a.sql").write_text("select 2\n")
    points.mark()
    points.end()
    points.undo()
    assert shape(root) == before
    points.begin("ignore more")
    (root / ".gitignore").write_text("ignored/\n*.log\n*.txt\n")
    points.mark()
    points.end()
    points.undo()
    assert shape(root) == before


def test_large_files_are_left_alone_and_named(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools.repo_listing, "LIMIT", 1000)
    (root / "warehouse.duckdb").write_bytes(b"x" * 2000)
    points = start(root, tmp_path)
    points.begin("load")
    (root / "warehouse.duckdb").write_bytes(b"y" * 10)
    (root / "a.sql").write_text("select 2\n")
    points.mark()
    points.end()
    moved = points.undo()
    assert moved.paths == ("a.sql",)
    assert (root / "warehouse.duckdb").read_bytes() == b"y" * 10


def test_a_link_does_not_lead_an_undo_out_of_the_root(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "er").mkdir(parents=True)
    (outside / "er/x.yaml").write_text("theirs\n")
    before = shape(root)
    points = start(root, tmp_path)
    points.begin("replace a folder")
    (root / "deep/er/x.yaml").unlink()
    (root / "deep/er").rmdir()
    (root / "deep").rmdir()
    (root / "deep").symlink_to(outside)
    points.mark()
    points.end()
    points.undo()
    assert shape(root) == before
    assert (outside / "er/x.yaml").read_text() == "theirs\n"


def test_a_step_without_changes_is_none(root: Path, tmp_path: Path) -> None:
    points = start(root, tmp_path)
    points.begin("nothing")
    points.mark()
    assert points.end() == ()
    assert points.steps == []
    assert points.diff() == ""


def test_the_diff_is_of_what_the_session_changed(root: Path, tmp_path: Path) -> None:
    points = start(root, tmp_path)
    for number in (2, 3):
        points.begin(f"step {number}")
        (root / "a.sql").write_text(f"select {number}\n")
        points.mark()
        points.end()
    (root / "other.sql").write_text("of the person\n")
    assert "-select 1\n+select 3" in points.diff()
    assert "-select 2\n+select 3" in points.diff(last=True)
    assert "other.sql" not in points.diff()


def test_a_change_within_the_resolution_of_the_clock_is_seen(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same size, same times, same inode: only the content tells."""
    real, now = os.lstat, time.time_ns()

    def coarse(path: Path) -> object:
        status = real(path)
        names = ("st_mode", "st_size", "st_ino")
        times = {"st_mtime_ns": now, "st_ctime_ns": now}
        return SimpleNamespace(**{name: getattr(status, name) for name in names}, **times)

    monkeypatch.setattr(tools.repo_listing.os, "lstat", coarse)
    points = start(root, tmp_path)
    first = points.take("one")
    (root / "a.sql").write_text("select 9\n")
    assert list(points.snapshots.changes(first, points.take("two"))) == ["a.sql"]


def test_restore_makes_everything_as_it_was(root: Path, tmp_path: Path) -> None:
    points = start(root, tmp_path)
    before = shape(root)
    kept = points.take("here")
    wreck(root)
    assert "a.sql" in points.restore(kept)
    assert shape(root) == before


def test_snapshots_of_forgotten_sessions_go(root: Path, tmp_path: Path) -> None:
    start(root, tmp_path).take("one")
    Checkpoints.load(root, "s2", tmp_path / "other").take("two")
    forget_others(root, {"s2"}.__contains__)
    names = start(root, tmp_path).snapshots.git.do("for-each-ref", "--format=%(refname)")
    assert [n for n in names.splitlines() if "specmill" in n] == ["refs/specmill/checkpoints/s2"]


def test_another_repository_inside_is_left_alone(root: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(root / "inner")], check=True)
    (root / "inner/file").write_text("x\n")
    points = start(root, tmp_path)
    points.begin("change")
    (root / "a.sql").write_text("select 2\n")
    points.mark()
    points.end()
    moved = points.undo()
    assert moved.skipped == {"inner": "a repository of its own"}
    assert (root / "inner/file").read_text() == "x\n"
