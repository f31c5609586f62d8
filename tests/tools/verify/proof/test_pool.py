"""Jobs in processes of our own: answers, crashes, cancelling, and a caller that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.verify.proof import pool
from tools.verify.proof.pool import Lost, Pool, Started

FAR = 600.0


def work(ground: str, job: str) -> str:
    """What the jobs of these tests do."""
    if job == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if job == "hang":
        time.sleep(FAR)
    if job == "raise":
        raise ValueError("no such row")
    if job == "print":
        print("a library says something")
    if job == "pid":
        return str(os.getpid())
    return f"{ground} {job}"


@pytest.mark.parametrize("count", [1, 2])
def test_jobs_are_answered(count: int) -> None:
    with Pool(work, "ground", count) as crew:
        futures = [crew.submit(job, time.monotonic() + FAR) for job in ("a", "print", "b")]
        assert [f.result() for f in futures] == ["ground a", "ground print", "ground b"]


def test_a_crash_loses_its_job_only() -> None:
    with Pool(work, "ground", 2) as crew:
        crash = crew.submit("crash", time.monotonic() + FAR)
        with pytest.raises(Lost, match=f"ended with code -{int(signal.SIGSEGV)}"):
            crash.result()
        later = [crew.submit(str(n), time.monotonic() + FAR).result() for n in range(3)]
    assert later == ["ground 0", "ground 1", "ground 2"]


def test_an_error_is_said_and_the_process_lives_on() -> None:
    with Pool(work, "ground", 2) as crew:
        with pytest.raises(Lost, match="ValueError: no such row"):
            crew.submit("raise", time.monotonic() + FAR).result()
        assert crew.submit("a", time.monotonic() + FAR).result() == "ground a"


def test_a_job_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "GRACE", 0.0)
    with Pool(work, "ground", 2) as crew, pytest.raises(Lost, match="did not end in time"):
        crew.submit("hang", time.monotonic()).result()


def test_a_program_that_cannot_be_started_is_said() -> None:
    with Pool(work, "ground", 2, command=("/nowhere/python",)) as crew:
        future = crew.submit("a", time.monotonic() + FAR)
        assert "no process can be started" in str(future.exception())


def test_leaving_ends_what_runs() -> None:
    with Pool(work, "ground", 2) as crew:
        pid = int(crew.submit("pid", time.monotonic() + FAR).result())
        waiting = [crew.submit("hang", time.monotonic() + FAR) for _ in range(5)]
    assert all(f.cancelled() or isinstance(f.exception(), Lost) for f in waiting)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


CALLER = """
import sys, time
from tests.tools.verify.proof.test_pool import FAR, Pool, work
with Pool(work, "ground", 2) as crew:
    print(crew.submit("pid", time.monotonic() + FAR).result(), flush=True)
    for _ in range(2):
        crew.submit("hang", time.monotonic() + FAR)
    time.sleep(FAR)
"""


def test_a_caller_that_is_killed_leaves_nothing() -> None:
    root = Path(__file__).parents[4]
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER], stdout=subprocess.PIPE, cwd=root, text=True
    )
    assert caller.stdout is not None
    with caller.stdout as out:
        pid = int(out.readline())
        caller.kill()
        caller.wait()
    assert gone(pid)


def gone(pid: int) -> bool:
    """Whether a process ends; its new parent may take a moment to notice."""
    for _ in range(1500):
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat")
            if state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def test_processes_that_were_started_before_do_the_jobs() -> None:
    started = Started("json", 2)
    waiting = [w._process.pid for w in started._workers]
    assert len(waiting) == 2
    with Pool(work, "ground", 2, started=started) as crew:
        found = {crew.submit("pid", time.monotonic() + FAR).result() for _ in range(4)}
    assert found <= {str(pid) for pid in waiting}
    started.close()
    assert not any(Path(f"/proc/{pid}").exists() for pid in waiting)


def test_time_is_counted_from_when_a_job_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "GRACE", 5.0)
    with Pool(work, "ground", 2) as crew:
        assert crew.submit("a", time.monotonic() - 60, seconds=60.0).result() == "ground a"
