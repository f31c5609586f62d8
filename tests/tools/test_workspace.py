from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

import tools.workspace
from tools.errors import InputError, ProgramMissing, UsageError
from tools.workspace import (
    Workspace,
    delete_atomic,
    find_workspace,
    read_text,
    remove_leftovers,
    run_lock,
    shipped,
    shown,
    write_atomic,
)

SOURCE = Path(tools.workspace.__file__).resolve().parent.parent


def child(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *args],
        capture_output=True,
        text=True,
        check=False,
        cwd=SOURCE,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


# finding


def test_the_nearest_marked_folder_is_the_workspace(tmp_path: Path) -> None:
    inner = tmp_path / "repo" / "platform" / "specs" / "deep"
    inner.mkdir(parents=True)
    assert find_workspace(inner).root == inner
    (tmp_path / "repo" / ".git").mkdir()
    assert find_workspace(inner).root == tmp_path / "repo"
    for name in ("constitution", "workflows"):
        assert find_workspace(inner).root == tmp_path / "repo"
        (tmp_path / "repo" / "platform" / name).mkdir()
    assert find_workspace(inner).root == tmp_path / "repo" / "platform"
    (inner.parent / "specmill.toml").touch()
    (inner / "a.yaml").touch()
    assert find_workspace(inner / "a.yaml").root == inner.parent


def test_a_git_file_of_a_worktree_counts(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: elsewhere\n")
    (tmp_path / "sub").mkdir()
    assert find_workspace(tmp_path / "sub").root == tmp_path


def test_nothing_there_to_start_from(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        find_workspace(tmp_path / "nope")


def test_own_content_wins_over_the_shipped(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert workspace.constitution == shipped("constitution")
    assert workspace.workflows == shipped("workflows")
    assert workspace.specs == tmp_path / "specs"
    assert workspace.state == tmp_path / ".specmill"
    (tmp_path / "constitution").mkdir()
    assert workspace.constitution == tmp_path / "constitution"


def test_shipped_content_in_a_wheel_and_in_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "tools"
    package.mkdir()
    monkeypatch.setattr(tools.workspace, "__file__", str(package / "workspace.py"))
    with pytest.raises(ProgramMissing, match="constitution"):
        shipped("constitution")
    (tmp_path / "constitution").mkdir()
    assert shipped("constitution") == tmp_path / "constitution"
    (package / "content" / "constitution").mkdir(parents=True)
    assert shipped("constitution") == package / "content" / "constitution"


def test_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "a" / "b.yaml") == "a/b.yaml"
    assert shown(Path("c.yaml")) == "c.yaml"
    assert shown(tmp_path.parent) == tmp_path.parent.as_posix()


# reading


def test_read_text(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: \xc3\xbc\r\n")
    assert read_text(path) == "a: ü\r\n"


def test_read_text_that_is_too_long(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("x" * 11)
    assert read_text(path, limit=11)
    with pytest.raises(InputError, match=r"11 bytes; at most 10") as caught:
        read_text(path, limit=10)
    assert caught.value.findings[0].code == "FILE001"


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [(b"ok\n\n  \xff\xfe", 3, 3), (b"\xe4", 1, 1), (b"a\xc3", 1, 2), (b"\xff\xfea\x00", 1, 1)],
)
def test_read_text_that_is_not_utf8(tmp_path: Path, data: bytes, line: int, column: int) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(data)
    with pytest.raises(InputError, match="not UTF-8") as caught:
        read_text(path)
    location = caught.value.findings[0].location
    assert location
    assert (location.line, location.column) == (line, column)


def test_read_text_of_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, said in [
        ("nope", "no such file"),
        ("file/x", "no such file"),
        (".", "is a folder"),
        ("pipe", "not a regular file"),
    ]:
        with pytest.raises(UsageError, match=said):
            read_text(tmp_path / name)
    with pytest.raises(ProgramMissing):
        read_text(tmp_path / "loop")


# writing


def test_write_makes_folders_and_replaces(tmp_path: Path) -> None:
    assert write_atomic(tmp_path, "a/b/ü c.sql", "1\r\n") == tmp_path / "a" / "b" / "ü c.sql"
    write_atomic(tmp_path, "a/b/ü c.sql", "zwei ü\n")
    assert (tmp_path / "a/b/ü c.sql").read_bytes() == "zwei ü\n".encode()
    assert files(tmp_path) == ["a/b/ü c.sql"]


def test_write_keeps_the_mode_and_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        path = write_atomic(tmp_path, "run.sh", "1")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o751)
    write_atomic(tmp_path, "run.sh", "2")
    assert stat.S_IMODE(path.stat().st_mode) == 0o751
    assert path.read_text() == "2"


def test_the_same_text_leaves_the_file_alone(tmp_path: Path) -> None:
    path = write_atomic(tmp_path, "a", "same")
    os.utime(path, (1, 1))
    inode = path.stat().st_ino
    write_atomic(tmp_path, "a", "same")
    assert (path.stat().st_mtime, path.stat().st_ino) == (1, inode)
    write_atomic(tmp_path, "a", "Same")
    assert path.stat().st_mtime > 1


def test_a_reader_keeps_the_old_text(tmp_path: Path) -> None:
    path = write_atomic(tmp_path, "a", "old")
    with path.open() as reader:
        write_atomic(tmp_path, "a", "new")
        assert reader.read() == "old"


BAD = [
    "", "/etc/passwd", "../x", "a/../../x", "a/..", "./a", "a//b", "a/", ".", "..", "a\0b", "a\nb",
    "a\rb", "a\x7fb", "a\\b", "C:/x", "c:x", ".git/hooks/pre-commit", "a/.GIT/config",
]  # fmt: skip


@pytest.mark.parametrize("relative", BAD)
@pytest.mark.parametrize("act", [lambda r, p: write_atomic(r, p, "x"), delete_atomic])
def test_paths_that_lead_out(
    tmp_path: Path, relative: str, act: Callable[[Path, str], object]
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(UsageError, match="not a path inside"):
        act(root, relative)
    assert files(tmp_path) == []


def test_links_that_lead_out(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "a").mkdir(parents=True)
    outside.mkdir()
    (outside / "precious").write_text("mine")
    (root / "out").symlink_to(outside)
    (root / "a" / "up").symlink_to("../..")
    (root / "file").symlink_to(outside / "precious")
    (root / "dangling").symlink_to(outside / "new")
    for relative in ("out/x", "out/precious", "a/up/x", "out/deep/x", "file", "dangling"):
        with pytest.raises(UsageError, match="symbolic link"):
            write_atomic(root, relative, "x")
    with pytest.raises(UsageError, match="symbolic link"):
        delete_atomic(root, "out/precious")
    assert (outside / "precious").read_text() == "mine"
    assert files(outside) == ["precious"]
    assert delete_atomic(root, "file")
    assert (outside / "precious").exists()


def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    write_atomic(tmp_path / "link", "a/b", "x")
    assert (tmp_path / "real/a/b").read_text() == "x"


def test_folders_and_files_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    for relative, said in [
        ("folder", "is a folder"),
        ("file/x", "is a file, not a folder"),
        ("pipe", "not a regular file"),
    ]:
        with pytest.raises(UsageError, match=said):
            write_atomic(tmp_path, relative, "x")
    with pytest.raises(UsageError, match="is a folder"):
        delete_atomic(tmp_path, "folder")


def test_text_that_is_no_utf8(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"U\+DC80"):
        write_atomic(tmp_path, "a", "x\udc80")
    assert files(tmp_path) == []


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(ProgramMissing) as caught:
        write_atomic(tmp_path, "x" * 300, "x")
    assert caught.value.remedy == "Choose shorter names."
    write_atomic(tmp_path, "x" * 255, "x")
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("at", ["fsync", "replace", "open"])
def test_a_disk_that_refuses_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, at: str
) -> None:
    path = write_atomic(tmp_path, "a/b.sql", "old")
    real = os.open

    def refuse(*args: object, **options: object) -> int:
        if at == "open" and isinstance(args[1], int) and not args[1] & os.O_CREAT:
            return real(*args, **options)  # type: ignore[arg-type]
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, at, refuse)
    with pytest.raises(ProgramMissing, match=r"cannot write .*b\.sql") as caught:
        write_atomic(tmp_path, "a/b.sql", "new")
    monkeypatch.undo()
    assert caught.value.remedy
    assert path.read_text() == "old"
    assert files(tmp_path) == ["a/b.sql"]


def test_a_file_larger_than_the_limit_for_real(tmp_path: Path) -> None:
    write_atomic(tmp_path, "a", "old")
    done = child(
        """
        import resource, sys
        from pathlib import Path
        from tools.errors import ProgramMissing
        from tools.workspace import write_atomic
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            write_atomic(Path(sys.argv[1]), "a", "x" * 10_000)
        except ProgramMissing as error:
            print(error.message, "|", error.remedy)
        """,
        str(tmp_path),
    )
    assert "file too large | " in done.stdout, done.stderr
    assert files(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "old"


FULL_DISK = """
import subprocess, sys
from pathlib import Path
from tools.errors import ProgramMissing
from tools.workspace import write_atomic
root = Path(sys.argv[1])
def mount(*args):
    if subprocess.run(["mount", *args, root], capture_output=True).returncode:
        sys.exit("no mount")
def attempt(path, text):
    try:
        write_atomic(root, path, text)
    except ProgramMissing as error:
        print(error.message.rsplit(": ")[-1], "|", error.remedy)
mount("-t", "tmpfs", "-o", "size=64k", "tmpfs")
write_atomic(root, "a", "old")
attempt("a", "x" * 200_000)
attempt("b/c", "x" * 200_000)
mount("-o", "remount,ro")
attempt("a", "new")
print((root / "a").read_text(), sorted(p.name for p in root.rglob("*") if p.is_file()))
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="a mount of its own needs unshare")
def test_a_full_and_a_read_only_disk_for_real(tmp_path: Path) -> None:
    # A mount namespace of its own: what is mounted there is seen by no one else and goes with it.
    argv = ["unshare", "--mount", sys.executable, "-c", FULL_DISK, str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=SOURCE)
    if "no mount" in done.stderr or "unshare failed" in done.stderr:
        pytest.skip("mounting is not allowed here")
    full = "no space left on device | The disk is full: free some space, then run again."
    read_only = "read-only file system | The disk is mounted read-only"
    first, second, third, last = done.stdout.splitlines()
    assert (first, second, last) == (full, full, "old ['a']")
    assert third.startswith(read_only)


def test_no_permission_for_real(tmp_path: Path) -> None:
    folder = tmp_path / "root"
    folder.mkdir()
    write_atomic(folder, "a", "old")
    folder.chmod(0o555)
    done = child(
        """
        import os, sys
        from pathlib import Path
        from tools.errors import ProgramMissing
        from tools.workspace import delete_atomic, run_lock, write_atomic
        os.chdir(sys.argv[1])
        if os.geteuid() == 0:
            os.setuid(65534)  # permissions do not bind root
        root = Path()
        def locked():
            with run_lock(root / ".specmill", "x"):
                pass
        for act in (
            lambda: write_atomic(root, "a", "new"),
            lambda: write_atomic(root, "b/c", "new"),
            lambda: delete_atomic(root, "a"),
            locked,
        ):
            try:
                act()
            except ProgramMissing as error:
                print(error.message, "|", error.remedy)
        """,
        str(folder),
    )
    folder.chmod(0o755)
    assert done.stdout.count("permission denied | Give yourself permission") == 4, done
    assert (folder / "a").read_text() == "old"
    assert files(folder) == ["a"]


# deleting


def test_delete(tmp_path: Path) -> None:
    write_atomic(tmp_path, "a/b", "x")
    assert delete_atomic(tmp_path, "a/b")
    assert not delete_atomic(tmp_path, "a/b")
    assert not delete_atomic(tmp_path, "nope/b")


def test_leftovers_of_dead_processes_go_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    dead = child("import os; print(os.getpid())").stdout.strip()
    for name in (f".specmill-{dead}-abc.tmp", f".specmill-{os.getpid()}-abc.tmp", "x.tmp"):
        (tmp_path / "a" / name).touch()
    assert [p.name for p in remove_leftovers(tmp_path)] == [f".specmill-{dead}-abc.tmp"]
    assert len(files(tmp_path)) == 2


# one run at a time

HOLD = """
import sys
from pathlib import Path
from tools.errors import SpecmillError
from tools.workspace import run_lock
try:
    with run_lock(Path(sys.argv[1]), "run dim_order"):
        print("held", flush=True)
        if len(sys.argv) > 2:
            sys.stdin.readline()
except SpecmillError as error:
    print(error.message)
    sys.exit(error.exit_code)
"""


def test_the_second_run_is_told_who_is_first(tmp_path: Path) -> None:
    state = tmp_path / ".specmill"
    with run_lock(state, "run dim_order"):
        done = child(HOLD, str(state))
        assert done.returncode == 6
        assert f"process {os.getpid()} (run dim_order, since 20" in done.stdout
    assert child(HOLD, str(state)).stdout == "held\n"
    assert (state / "run.lock").read_text() == ""


def test_a_killed_run_holds_nothing(tmp_path: Path) -> None:
    state = tmp_path / ".specmill"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state), "wait"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=SOURCE,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        with (
            pytest.raises(ProgramMissing, match=f"process {process.pid} "),
            run_lock(state, "x"),
        ):
            pass
        process.kill()
    with run_lock(state, "x"):
        assert str(os.getpid()) in (state / "run.lock").read_text()


def test_an_error_inside_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), run_lock(tmp_path, "x"):
        raise ZeroDivisionError
    with run_lock(tmp_path, "y"):
        pass


def test_a_program_that_a_run_left_behind_does_not_hold_the_lock(tmp_path: Path) -> None:
    with run_lock(tmp_path, "x"):
        left = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert child(HOLD, str(tmp_path)).stdout == "held\n"
    finally:
        left.communicate(b"\n")
