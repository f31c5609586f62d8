from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agent.cli import cli
from agent.commands.errors import Session, exit_code_of
from tests.agent.conftest import Cli
from tests.agent.support import environment
from tools.errors import InternalError, ProgramMissing, WaitsForPerson

COMMANDS = list(cli.commands)


def test_help_lists_every_command_and_exit_code(run_cli: Cli) -> None:
    result = run_cli("--help")
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"  {name} " in result.stdout
    for code in ("130", "  3 ", "  6 "):
        assert code in result.stdout
    assert "...\n" not in result.stdout.split("Commands:")[1], "a command's help is cut off"
    assert max(len(line) for line in result.stdout.splitlines()) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(run_cli: Cli, name: str) -> None:
    result = run_cli(name, "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.stdout
    assert f"specmill {name}" in result.stdout


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; import agent.cli; "
        "print([m for m in ('rich','pydantic','langgraph','sqlglot','duckdb','dbt','git','ruamel') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--nonsense"], "--nonsense"),
        (["nonsense"], "nonsense"),
        (["run"], "SPEC"),
        (["run", "a.yaml", "--resume", "x"], "SPEC"),
        (["run", "specs/orders.yaml", "--level", "deep"], "deep"),
        (["run", "no/such.yaml"], "no/such.yaml"),
        (["check", "no/such.yaml"], "no/such.yaml"),
        (["plan", "specs"], "specs"),
        (["show", "nothing"], "nothing"),
        (["run", "--resume", "nothing"], "nothing"),
        (["run", "specs/orders.yaml", "--target", "snowflak"], "snowflak"),
        (["run", "specs/orders.yaml", "--workflow", "build-pipelin"], "build-pipeline"),
        (["approve", "nothing"], "nothing"),
        (["restore", "specs/orders.yaml"], "specs/orders.yaml"),
        (["adopt", "/etc/hosts"], "/etc/hosts"),
        (["-C", "no-such-folder", "check"], "no-such-folder"),
        (["workflow", "show", "nothing"], "nothing"),
        (["verify"], "no generated code"),
    ],
)
def test_a_wrong_call_is_exit_code_2(
    workspace: Path, run_cli: Cli, args: list[str], says: str
) -> None:
    result = run_cli(*args)
    assert result.exit_code in ({1, 2} if args == ["plan", "specs"] else {2})
    assert says in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "args", [["check"], ["plan", "specs/orders.yaml"], ["runs"], ["workflow", "list"], ["schema"]]
)
def test_json_is_one_document_and_nothing_else(
    workspace: Path, run_cli: Cli, args: list[str]
) -> None:
    result = run_cli(*args, "--json")
    assert result.exit_code == 0
    json.loads(result.stdout)
    assert result.stderr == ""


def test_an_error_with_json_is_a_document_too(workspace: Path, run_cli: Cli) -> None:
    for args in (["show", "nothing", "--json"], ["show", "--json"]):
        result = run_cli(*args)
        document = json.loads(result.stdout)
        assert document["ok"] is False
        assert document["exit_code"] == result.exit_code == 2
        assert document["error"]["message"]


def test_directory_option(workspace: Path, run_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace.parent)
    assert run_cli("-C", str(workspace), "check", "specs/orders.yaml").exit_code == 0


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (WaitsForPerson("a gate", "approve it"), 3, "a gate"),
        (ProgramMissing("no dbt", "install it"), 6, "install it"),
        (InternalError("a bug", "report it"), 7, "a bug"),
        (OSError(28, "No space left on device", "/x"), 6, "/x: No space left"),
        (OSError(13, "Permission denied", "/x"), 6, "permission"),
        (KeyboardInterrupt(), 130, "interrupted; resume with: specmill run --resume r"),
    ],
)
def test_each_failure_has_its_exit_code(
    error: BaseException, code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    session = Session(resume_hint="specmill run --resume r")
    assert exit_code_of(session, fail) == code
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.out == ""


def test_a_bug_leaves_a_report_and_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("secret detail")

    session = Session(arguments=("run", "x.yaml"), crash_folder=tmp_path / "state")
    assert exit_code_of(session, fail) == 7
    said = capsys.readouterr().err
    assert "Traceback" not in said
    (report,) = (tmp_path / "state").glob("crash-*.txt")
    assert report.name in said.replace("\n", "")
    text = report.read_text()
    assert "specmill run x.yaml" in text
    assert "ZeroDivisionError: secret detail" in text
    assert "langgraph " in text


def test_a_reader_that_leaves_early_is_no_error(workspace: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "agent", "schema"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    process.stdout.close()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said == b""


def test_no_color_is_respected(workspace: Path, run_cli: Cli) -> None:
    assert "\x1b" not in run_cli("--no-color", "check").stdout
    assert "\x1b" not in run_cli("check").stdout
