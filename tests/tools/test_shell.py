from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

import tools.shell
from tools.errors import ProgramMissing, UsageError
from tools.shell import OUTPUT_LIMIT, TIMED_OUT, run, scrubbed_environment

PYTHON = sys.executable


def python(code: str, *args: str) -> list[str]:
    return [PYTHON, "-c", code, *args]


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    if status.parent.parent.joinpath("self").exists():  # Linux: a zombie is not alive
        return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone(pid: int) -> bool:
    end = time.monotonic() + 5
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pid)


def test_output_code_and_folder(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd()); print('bad ü', file=sys.stderr); sys.exit(3)"
    done = run(python(code), cwd=tmp_path, timeout=20)
    assert (done.code, done.stdout, done.stderr) == (3, f"{tmp_path}\n", "bad ü\n")
    assert done.seconds > 0
    assert not done.timed_out


def test_arguments_are_not_read_by_a_shell(tmp_path: Path) -> None:
    tricky = ["$HOME", "; touch x", "a b", "*", "`id`", "ü\n"]
    done = run(python("import sys; print(sys.argv[1:])", *tricky), cwd=tmp_path, timeout=20)
    assert done.stdout == f"{tricky}\n"
    assert list(tmp_path.iterdir()) == []


def test_input(tmp_path: Path) -> None:
    text = "ü" * 500_000
    code = "import sys; sys.stdout.write(str(len(sys.stdin.read())))"
    assert run(python(code), cwd=tmp_path, timeout=20, input=text).stdout == "500000"
    assert run(python(code), cwd=tmp_path, timeout=20).stdout == "0"
    assert run(python(code), cwd=tmp_path, timeout=20, input="").stdout == "0"


def test_input_that_nobody_reads(tmp_path: Path) -> None:
    done = run(python("print(1)"), cwd=tmp_path, timeout=20, input="x" * 3_000_000)
    assert (done.code, done.stdout) == (0, "1\n")


def test_much_output_on_both_streams_is_cut_in_the_middle(tmp_path: Path) -> None:
    code = (
        "import sys\nfor s in (sys.stdout, sys.stderr):\n"
        " s.write('first'); s.write('x' * 5_000_000); s.write('last')"
    )
    done = run(python(code), cwd=tmp_path, timeout=20)
    for text in (done.stdout, done.stderr):
        assert text.startswith("firstxxx")
        assert text.endswith("xxxlast")
        assert f"[... {5_000_009 - OUTPUT_LIMIT:,} bytes left out ...]" in text
        assert len(text) < OUTPUT_LIMIT + 100


def test_output_up_to_the_limit_is_whole(tmp_path: Path) -> None:
    code = f"print('é' * {OUTPUT_LIMIT // 2}, end='')"
    assert run(python(code), cwd=tmp_path, timeout=20).stdout == "é" * (OUTPUT_LIMIT // 2)


def test_output_that_is_no_text(tmp_path: Path) -> None:
    code = r"import sys; sys.stdout.buffer.write(b'a\xff\x00b\r\n')"
    assert run(python(code), cwd=tmp_path, timeout=20).stdout == "a�\x00b\r\n"


def test_too_long_ends_the_whole_group(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(p.pid, flush=True); time.sleep(60)"
    )
    started = time.monotonic()
    done = run(python(code), cwd=tmp_path, timeout=2)
    assert time.monotonic() - started < 10
    assert (done.code, done.timed_out) == (TIMED_OUT, True)
    assert gone(int(done.stdout))


def test_who_ignores_the_request_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools.shell, "GRACE", 0.2)
    code = (
        "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print(os.getpid(), flush=True); time.sleep(60)"
    )
    done = run(python(code), cwd=tmp_path, timeout=2)
    assert done.timed_out
    assert gone(int(done.stdout))


def test_who_ends_well_when_asked_has_still_timed_out(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
        "time.sleep(60)"
    )
    assert run(python(code), cwd=tmp_path, timeout=1).code == TIMED_OUT


def test_closed_streams_do_not_hide_a_program_that_runs_on(tmp_path: Path) -> None:
    code = "import os, time; os.close(1); os.close(2); time.sleep(60)"
    assert run(python(code), cwd=tmp_path, timeout=1).timed_out


def test_a_child_left_behind_neither_holds_us_up_nor_lives_on(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(p.pid)"
    )
    started = time.monotonic()
    done = run(python(code), cwd=tmp_path, timeout=30)
    assert time.monotonic() - started < 10
    assert (done.code, done.timed_out) == (0, False)
    assert gone(int(done.stdout))


def test_a_signal_is_a_negative_code(tmp_path: Path) -> None:
    code = "import os; os.kill(os.getpid(), 9)"
    assert run(python(code), cwd=tmp_path, timeout=20).code == -signal.SIGKILL


def test_an_interrupt_ends_the_program(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"

    def interrupt() -> None:
        while not (note.exists() and note.read_text()):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run(python(code, str(note)), cwd=tmp_path, timeout=30)
    thread.join()
    assert gone(int(note.read_text()))


def test_the_environment_is_scrubbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY", "GIT_DIR", "SHOP_DSN", "DBT_X"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    monkeypatch.setenv("TZ", "UTC")
    code = "import os; print(sorted(os.environ.items()))"
    out = run(python(code), cwd=tmp_path, timeout=20, env={"GIVEN": "1", "TZ": "CET"}).stdout
    assert "secret" not in out
    for pair in (("GIVEN", "1"), ("TZ", "CET"), ("HTTPS_PROXY", "http://proxy")):
        assert repr(pair) in out
    assert scrubbed_environment()["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize("name", ["no-such-program", "./no-such-program", "/no/such/program"])
def test_a_missing_program(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProgramMissing, match="is not installed") as caught:
        run([name], cwd=tmp_path, timeout=5)
    assert "PATH" in caught.value.remedy


def test_a_program_that_cannot_be_run(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("hello")
    with pytest.raises(ProgramMissing, match="cannot be run: permission denied"):
        run(["./data"], cwd=tmp_path, timeout=5)


@pytest.mark.parametrize("argv", ["ls -l", [], ["ls", "a\0b"]])
def test_what_is_no_list_of_arguments(tmp_path: Path, argv: list[str]) -> None:
    with pytest.raises(UsageError):
        run(argv, cwd=tmp_path, timeout=5)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        run([PYTHON], cwd=tmp_path / "nope", timeout=5)


def test_a_program_is_stopped_with_all_that_it_started_when_cancelled(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time; p = subprocess.Popen(['sleep', '600']); "
        "print(p.pid, flush=True); open('begun', 'w').close(); time.sleep(600)"
    )
    cancel = threading.Event()

    def stop_once_begun() -> None:
        while not (tmp_path / "begun").exists():
            time.sleep(0.02)
        cancel.set()

    threading.Thread(target=stop_once_begun, daemon=True).start()
    done = run(python(code), cwd=tmp_path, timeout=300, cancel=cancel)
    assert done.cancelled
    assert not done.timed_out
    assert gone(int(done.stdout))


def test_a_program_that_ended_was_not_cancelled(tmp_path: Path) -> None:
    done = run(["true"], cwd=tmp_path, timeout=20, cancel=threading.Event())
    assert (done.code, done.cancelled, done.timed_out) == (0, False, False)
