"""A program in its cage sees and changes what it is meant to; real bubblewrap, real files."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from tools import confine, shell
from tools.confine import Cage

caged = pytest.mark.skipif(bool(confine.why_not()), reason=confine.why_not() or "it works")


def sh(cage: Cage, text: str, timeout: float = 60) -> shell.Completed:
    return confine.run(["sh", "-c", text], cage, timeout=timeout)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "tests").mkdir(parents=True)
    (root / "tests" / "a.sql").write_text("a")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("c")
    (root / ".env").write_text("hunter2")
    return root


@caged
def test_the_root_is_written_and_the_system_is_not(tree: Path) -> None:
    done = sh(Cage(tree), "echo hi > new.txt; echo x > /usr/lib/x; echo x > /etc/x; cat new.txt")
    assert (tree / "new.txt").read_text() == "hi\n"
    assert done.stdout == "hi\n"
    assert done.stderr.count("Read-only file system") + done.stderr.count("nonexistent") >= 2


@caged
def test_what_is_frozen_is_read_and_stays(tree: Path) -> None:
    cage = Cage(tree, frozen=(tree / "tests", tree / ".git"))
    done = sh(
        cage,
        "cat tests/a.sql; echo b > tests/a.sql; echo b > tests/b.sql; rm -rf tests; mv tests x;"
        "echo x > .git/config; rm -rf .git; mv .git g; ln -s tests t && echo z > t/a.sql",
    )
    assert done.stdout == "a"
    assert (tree / "tests" / "a.sql").read_text() == "a"
    assert (tree / ".git" / "config").read_text() == "c"
    assert sorted(p.name for p in (tree / "tests").iterdir()) == ["a.sql"]


@caged
def test_what_is_masked_is_empty_or_closed(tree: Path) -> None:
    (tree / ".ssh").mkdir()
    (tree / ".ssh" / "id").write_text("hunter2")
    done = sh(Cage(tree, masked=(tree / ".env", tree / ".ssh")), "cat .env; ls -A .ssh; cat .ssh/*")
    assert "hunter2" not in done.stdout
    assert (tree / ".env").read_text() == "hunter2"


@caged
def test_a_writable_folder_may_lie_in_a_frozen_one(tree: Path) -> None:
    state = tree / ".specmill"
    (state / "db").mkdir(parents=True)
    cage = Cage(tree, frozen=(state,), writable=(state / "db",))
    sh(cage, "echo x > .specmill/db/a; echo x > .specmill/b")
    assert (state / "db" / "a").exists()
    assert not (state / "b").exists()


@caged
def test_homes_and_the_temporary_files_of_others_are_hidden(tree: Path) -> None:
    secret = Path.home() / ".specmill-test-secret"
    secret.write_text("hunter2")
    other = tree.parent / "other.txt"
    other.write_text("hunter2")
    try:
        done = sh(
            Cage(tree), f"cat {secret} {other} ~/.specmill-test-secret /etc/shadow; ls -A /run"
        )
    finally:
        secret.unlink()
    assert "hunter2" not in done.stdout
    assert "root:" not in done.stdout
    assert done.code == 0 or "No such file" in done.stderr


@caged
def test_there_is_no_network(tree: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        reach = f"import socket; socket.create_connection(('127.0.0.1', {port}), 3)"
        assert shell.run([sys.executable, "-c", reach], cwd=tree, timeout=60).code == 0
        assert confine.run([sys.executable, "-c", reach], Cage(tree), timeout=60).code != 0


@caged
def test_keys_and_other_processes_are_not_seen(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "hunter2")
    monkeypatch.setenv("HTTPS_PROXY", "http://ana:hunter2@proxy")
    done = sh(Cage(tree), "env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'; ls /proc")
    assert "hunter2" not in done.stdout
    assert f"\n{os.getpid()}\n" not in done.stdout


@caged
def test_nothing_is_left_running(tree: Path) -> None:
    seconds = f"6{os.getpid()}"  # no other test sleeps that long
    done = sh(Cage(tree), f"sleep {seconds} & echo started")
    assert done.stdout == "started\n"
    slow = sh(Cage(tree), f"echo begun; sleep {seconds}", timeout=1)
    assert slow.timed_out
    assert slow.stdout == "begun\n"
    for _ in range(200):  # the kernel ends what was in the cage a moment after the cage
        if not _running(seconds):
            break
        time.sleep(0.05)
    assert not _running(seconds)


def _running(seconds: str) -> bool:
    wanted = f"sleep\0{seconds}\0".encode()
    return any(wanted in _bytes(path) for path in Path("/proc").glob("[0-9]*/cmdline"))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_program_is_stopped_when_the_person_says_so(tree: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    done = confine.run(["sleep", "600"], Cage(tree), timeout=600, cancel=cancel)
    assert done.cancelled
    assert not done.timed_out


@caged
def test_python_of_this_environment_runs_in_it(tree: Path) -> None:
    done = confine.run(
        [sys.executable, "-c", "import duckdb, tools; print('ok')"], Cage(tree), timeout=60
    )
    assert done.stdout == "ok\n"


def test_without_bubblewrap_the_program_runs_and_it_is_said(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    confine.why_not.cache_clear()
    try:
        assert confine.why_not() == "bubblewrap (bwrap) is not installed"
        assert confine.caged(["ls"], Cage(tree)) == ["ls"]
        assert confine.run(["pwd"], Cage(tree), timeout=60).stdout.strip() == str(tree.resolve())
    finally:
        confine.why_not.cache_clear()


def test_a_bubblewrap_that_may_not_work_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bwrap"
    program.write_text(
        "#!/bin/sh\necho 'bwrap: no permissions to create new namespace' >&2; exit 1\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _: str(program))
    confine.why_not.cache_clear()
    try:
        assert "no permissions to create new namespace" in confine.why_not()
    finally:
        confine.why_not.cache_clear()
