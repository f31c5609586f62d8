from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.errors import ProgramMissing
from tools.verify.worker import DatabaseError, DbtWorker

# Programs that speak the protocol just far enough to go wrong in one way each.
HELLO = 'print(\'{"hello": {"versions": {}}}\', flush=True)\n'
READ = "import os, signal, sys, time\nline = sys.stdin.readline()\n"
FAKES = {
    "silent": HELLO + READ + "time.sleep(60)\n",
    "dies": HELLO + READ + "os.kill(os.getpid(), signal.SIGSEGV)\n",
    "leaves": HELLO + READ + "sys.exit(3)\n",
    "without_dbt": 'print(\'{"hello": {"missing": "dbt: No module named dbt"}}\', flush=True)\n'
    + READ,
    "answers": HELLO + READ + 'print(\'{"id": 1, "rows": [{"columns": ["a"], "types": ["INTEGER"], '
    '"rows": [[1]]}]}\', flush=True)\nsys.stdin.read()\n',
}


def fake(tmp_path: Path, name: str, timeout: float = 20) -> DbtWorker:
    return DbtWorker(tmp_path, timeout=timeout, command=[sys.executable, "-c", FAKES[name]])


def test_start_returns_before_the_process_is_ready(tmp_path: Path) -> None:
    started = time.monotonic()
    with DbtWorker(tmp_path) as worker:
        assert worker.pid is not None
        assert time.monotonic() - started < 0.5
    assert worker.pid is None


def test_an_answer_arrives(tmp_path: Path) -> None:
    with fake(tmp_path, "answers") as worker:
        rows = worker.sql(tmp_path / "x.duckdb", ["select 1 as a"])
    assert rows[0].dicts() == [{"a": 1}]


def test_a_late_answer_kills_the_process_and_says_so(tmp_path: Path) -> None:
    with fake(tmp_path, "silent", timeout=0.3) as worker:
        pid = worker.pid
        assert pid is not None
        with pytest.raises(ProgramMissing, match=r"did not finish within 0\.3 s"):
            worker.dbt(["build"], project=tmp_path, database=tmp_path / "x.duckdb")
        assert worker.pid is None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.parametrize(("name", "how"), [("dies", "SIGSEGV"), ("leaves", "code 3")])
def test_a_crash_is_named_and_the_next_request_starts_anew(
    tmp_path: Path, name: str, how: str
) -> None:
    with fake(tmp_path, name) as worker:
        first = worker.pid
        with pytest.raises(ProgramMissing, match=how) as caught:
            worker.dbt(["build"], project=tmp_path, database=tmp_path / "x.duckdb")
        assert "dbt build" in caught.value.message
        worker.start()
        assert worker.pid not in (None, first)


def test_dbt_that_is_not_installed_is_exit_code_6_with_a_remedy(tmp_path: Path) -> None:
    with (
        fake(tmp_path, "without_dbt") as worker,
        pytest.raises(ProgramMissing, match="dbt") as caught,
    ):
        worker.dbt(["build"], project=tmp_path, database=tmp_path / "x.duckdb")
    assert caught.value.exit_code == 6
    assert "install" in caught.value.remedy


def test_an_interrupted_request_leaves_no_answer_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with fake(tmp_path, "silent") as worker:
        monkeypatch.setattr("tools.verify.worker_process.select.select", interrupt)
        with pytest.raises(KeyboardInterrupt):
            worker.sql(tmp_path / "x.duckdb", ["select 1"])
        assert worker.pid is None


def test_a_program_that_cannot_be_started(tmp_path: Path) -> None:
    worker = DbtWorker(tmp_path, command=[str(tmp_path / "no-such-program")])
    with pytest.raises(ProgramMissing, match="cannot be started"):
        worker.start()


def test_little_of_our_environment_reaches_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBT_TARGET", "production")
    monkeypatch.setenv("SHOP_PASSWORD", "secret")
    show = (
        "import json, os\n"
        + HELLO
        + READ
        + (
            "rows = [[k, v] for k, v in sorted(os.environ.items())]\n"
            "found = [{'columns': ['k', 'v'], 'types': [], 'rows': rows}]\n"
            "print(json.dumps({'id': 1, 'rows': found}), flush=True)\n"
        )
    )
    with DbtWorker(tmp_path, command=[sys.executable, "-c", show]) as worker:
        seen = dict(worker.sql(tmp_path / "x.duckdb", [])[0].rows)
    assert "DBT_TARGET" not in seen
    assert "SHOP_PASSWORD" not in seen
    assert seen["DBT_SEND_ANONYMOUS_USAGE_STATS"] == "false"
    assert seen["TZ"] == "UTC"


@pytest.mark.slow
def test_the_process_dies_with_a_caller_that_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom tools.verify.worker import DbtWorker\n"
        f"worker = DbtWorker(Path({str(tmp_path)!r}))\nworker.start()\n"
        "print(worker.pid, flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as caller:
        assert caller.stdout is not None
        pid = int(caller.stdout.readline())
        caller.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be collected does not."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.slow
def test_dbt_builds_and_lets_go_of_the_file(
    worker: DbtWorker, project: Path, database: Path
) -> None:
    run = worker.dbt(["build"], {"batch_at": "one"}, project=project, database=database)
    assert run.success, run
    assert [n["name"] for n in run.nodes.values()] == ["first", "second"]
    look = (
        "import duckdb, sys\n"
        "print(duckdb.connect(sys.argv[1]).sql('select batch from second').fetchall())"
    )
    seen = subprocess.run(
        [sys.executable, "-c", look, str(database)], capture_output=True, text=True, check=True
    )
    assert "one" in seen.stdout
    assert not (project / "target").exists()
    assert not (project / "logs").exists()


@pytest.mark.slow
def test_a_kept_manifest_serves_other_batches_and_not_other_files(
    worker: DbtWorker, project: Path, database: Path
) -> None:
    def batch(at: str) -> object:
        run = worker.dbt(["run"], {"batch_at": at}, project=project, database=database)
        assert run.success, run
        return worker.sql(database, ["select id, batch from second"])[0].rows

    assert batch("one") == ((1, "one"),)
    assert batch("two") == ((1, "two"),)
    (project / "models" / "first.sql").write_text("select 2 as id, 'edited' as batch\n")
    assert batch("three") == ((2, "edited"),)
    custom = project.parent / "custom" / "models"
    custom.mkdir(parents=True)
    (custom / "third.sql").write_text("select 3 as id\n")
    assert batch("four") == ((2, "edited"),)
    assert worker.sql(database, ["select id from third"])[0].rows == ((3,),)


@pytest.mark.slow
def test_other_databases_do_not_share_state(
    worker: DbtWorker, project: Path, tmp_path: Path
) -> None:
    one, two = tmp_path / "a" / "one.duckdb", tmp_path / "b" / "two.duckdb"
    for database in (one, two):
        assert worker.dbt(["run"], project=project, database=database).success
    worker.sql(one, ["drop view first cascade"])
    assert worker.sql(two, ["select id from first"])[0].rows == ((1,),)


@pytest.mark.slow
def test_sql_values_types_and_time_zone(worker: DbtWorker, database: Path) -> None:
    values = (
        "select 1 as i, 1.5::decimal(4,1) as d, 'x' as s, null as n, true as b, "
        "timestamp '2024-01-01' as t, 'nan'::double as f"
    )
    rows = worker.sql(
        database,
        [
            values,
            ("select ? as given", ["it's"]),
            "select cast(timestamptz '2024-01-01 00:00:00+01' as varchar) as z",
            "create table t (a integer)",
        ],
    )
    assert rows[0].rows == ((1, "1.5", "x", None, True, "2024-01-01 00:00:00", "nan"),)
    assert rows[0].types[:3] == ("INTEGER", "DECIMAL(4,1)", "VARCHAR")
    assert rows[1].dicts() == [{"given": "it's"}]
    assert rows[2].rows == (("2023-12-31 23:00:00+00",),)


@pytest.mark.slow
def test_a_refused_statement_and_a_damaged_file(worker: DbtWorker, database: Path) -> None:
    with pytest.raises(DatabaseError, match="nope"):
        worker.sql(database, ["select nope"])
    assert worker.sql(database, ["select 1"])[0].rows == ((1,),)
    damaged = database.with_name("damaged.duckdb")
    damaged.write_text("this is no database, whatever its name says" * 500)
    with pytest.raises(ProgramMissing, match="cannot be used") as caught:
        worker.sql(damaged, ["select 1"])
    assert "delete it" in caught.value.remedy


@pytest.mark.slow
def test_a_locked_file_is_named(worker: DbtWorker, database: Path) -> None:
    worker.sql(database, ["select 1"])
    hold = (
        "import duckdb, sys, time\nheld = duckdb.connect(sys.argv[1])\n"
        "print('held', flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(database)], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        try:
            with pytest.raises(ProgramMissing, match="lock") as caught:
                worker.sql(database, ["select 1"])
        finally:
            holder.kill()
    assert "close other programs" in caught.value.remedy


@pytest.mark.slow
def test_what_dbt_prints_does_not_disturb_the_answers(
    worker: DbtWorker, project: Path, database: Path
) -> None:
    first = "{{ print('{}') }}{{ log('x', info=true) }}select 1 as id, 1 as batch\n"
    (project / "models" / "first.sql").write_text(first)
    assert worker.dbt(["run"], project=project, database=database).success
    assert worker.sql(database, ["select id from second"])[0].rows == ((1,),)


def test_requests_are_one_line_of_json_each(tmp_path: Path) -> None:
    echo = (
        HELLO
        + READ
        + (
            "import json\nasked = json.loads(line)\n"
            "found = [{'columns': ['q'], 'types': [], 'rows': [[asked['statements'][0]]]}]\n"
            "print(json.dumps({'id': asked['id'], 'rows': found}), flush=True)\n"
            "sys.stdin.read()\n"
        )
    )
    text = "select 'a\nb'"
    with DbtWorker(tmp_path, command=[sys.executable, "-c", echo]) as worker:
        assert worker.sql(tmp_path / "x.duckdb", [text])[0].rows == ((text,),)


@pytest.mark.slow
def test_a_project_is_prepared_while_the_caller_goes_on(
    worker: DbtWorker, project: Path, database: Path
) -> None:
    started = time.monotonic()
    worker.prepare(project, database)
    assert time.monotonic() - started < 0.2
    assert worker.sql(database, ["select 1"])[0].rows == ((1,),)
    run = worker.dbt(["run"], {"batch_at": "x"}, project=project, database=database)
    assert run.success
    (project / "models" / "first.sql").write_text("select {% if %}")
    worker.prepare(project, database)
    broken = worker.dbt(["run"], project=project, database=database)
    assert "Expected an expression" in broken.error
