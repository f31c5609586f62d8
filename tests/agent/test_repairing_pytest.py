"""Repair of projects with tests for pytest: real pytest, the real SDK, a scripted service."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from agent.model.scripted import call, say
from tests.agent.conftest import Cli
from tests.agent.support import environment, git, lines, start
from tests.messages_server import KEY, MessagesServer, Step, stalled

CODE = "def total(values):\n    return sum(values)\n"
BROKEN = CODE.replace("sum(values)", "sum(values) + 1")
TESTS = """\
import pytest

from shop import total


def test_total():
    assert total([1, 2]) == 3


def test_nothing():
    assert total([]) == 0


@pytest.mark.xfail
def test_known():
    assert total([1]) == 2
"""


def make(root: Path, code: str = BROKEN) -> Path:
    (root / "src" / "shop").mkdir(parents=True)
    (root / "tests").mkdir()
    (root / "src" / "shop" / "__init__.py").write_text(code)
    (root / "tests" / "test_shop.py").write_text(TESTS)
    (root / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '-x'\n")
    git(root.parent, "init", "--quiet", str(root))
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "start")
    return root


@pytest.fixture
def repair(tmp_path: Path, run_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Any:
    def call_it(root: Path, *steps: Step, args: tuple[str, ...] = ()) -> Any:
        with MessagesServer(steps) as server:
            monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
            monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
            result = run_cli("-C", str(root), "repair", "--json", *args)
        server.check()
        assert not result.stdout.startswith("{\n"), result.stdout
        return result, lines(result.stdout)[-1], server

    return call_it


def edit(old: str, new: str, path: str = "src/shop/__init__.py") -> tuple[Step, ...]:
    return call("read_file", path=path), call("edit_file", path=path, old=old, new=new)


def test_a_failing_test_is_repaired(tmp_path: Path, repair: Any) -> None:
    root = make(tmp_path / "shop")
    steps = (*edit(" + 1", ""), call("run_tests"), say("One too many was added."))
    result, ended, server = repair(root, *steps)
    assert result.exit_code == 0, ended
    asked = json.dumps(server.requests[0]["messages"])
    assert "assert 4 == 3" in asked
    assert "assert 1 == 0" in asked, "all tests ran, whatever addopts says"
    told = server.requests[-1]["messages"][-1]["content"][0]["content"][0]["text"]
    assert told == "3 tests: 3 passed"
    assert (root / "src" / "shop" / "__init__.py").read_text() == BROKEN
    assert git(root, "show", f"{ended['branch']}:src/shop/__init__.py") == CODE.strip()
    assert git(root, "log", "-1", "--format=%s", ended["branch"]) == "Repair the pytest tests"
    assert git(root, "status", "--porcelain") == ""


CHEATS: list[tuple[str, dict[str, Any], str]] = [
    ("write_file", {"path": "tests/test_shop.py", "content": ""}, "may not touch tests"),
    ("write_file", {"path": "conftest.py", "content": "collect_ignore = ['tests']\n"}, "may not"),
    ("write_file", {"path": "pyproject.toml", "content": ""}, "may not touch"),
    ("write_file", {"path": "pytest.ini", "content": "[pytest]\n"}, "may not touch"),
    ("write_file", {"path": "src/sitecustomize.py", "content": ""}, "may not touch"),
    ("write_file", {"path": "pytest/__main__.py", "content": ""}, "stand in for a module"),
    ("write_file", {"path": ".gitignore", "content": "*.py\n"}, "may not touch"),
    ("shell", {"command": "rm -r tests"}, "refused"),
]


def test_a_model_that_cheats_is_stopped(tmp_path: Path, repair: Any) -> None:
    root = make(tmp_path / "shop")
    steps = [call(name, **given) for name, given, _ in CHEATS]
    read = [call("read_file", path=p) for p in ("tests/test_shop.py", "pyproject.toml")]
    result, ended, server = repair(root, *read, *steps, say("Done."))
    assert result.exit_code == 1
    assert ended["diff"] == ""
    answers = [m["content"][0] for m in server.requests[-1]["messages"] if m["role"] == "user"][3:]
    for (name, given, why), told in zip(CHEATS, answers, strict=True):
        assert told.get("is_error"), (name, given)
        assert why in told["content"][0]["text"], (name, given, told)


def test_code_that_skips_its_tests_is_no_repair(tmp_path: Path, repair: Any) -> None:
    root = make(tmp_path / "shop")
    cheat = "import pytest\n\n\ndef total(values):\n    pytest.skip('later')\n"
    read = call("read_file", path="src/shop/__init__.py")
    write = call("write_file", path="src/shop/__init__.py", content=cheat)
    result, ended, _ = repair(root, read, write, say("Green."), say("It is green."))
    assert result.exit_code == 1
    assert ended["proof"]["after"]["ok"]
    assert {o["code"] for o in ended["proof"]["objections"]} == {"REP002"}


def test_a_shell_that_may_is_watched_all_the_same(tmp_path: Path, repair: Any) -> None:
    root = make(tmp_path / "shop")
    (root / "specmill.toml").write_text("")
    script = "import pathlib; pathlib.Path('tests/test_shop.py').write_text('')"
    (root / "wreck.py").write_text(script)
    steps = (call("shell", command="python3 wreck.py"), say("Gone."))
    _, ended, server = repair(root, *steps)
    assert server.requests[-1]["messages"][-1]["content"][0]["is_error"]
    assert len(ended["proof"]["after"]["tests"]) == 3


def test_a_test_that_cannot_be_collected(tmp_path: Path, repair: Any) -> None:
    root = make(tmp_path / "shop", "def totl(values):\n    return sum(values)\n")
    result, ended, server = repair(root, *edit("totl", "total"), say("A typing error."))
    assert result.exit_code == 0, ended
    assert "cannot import name 'total'" in json.dumps(server.requests[0]["messages"])


def test_the_same_findings_end_it(tmp_path: Path, repair: Any) -> None:
    root = make(tmp_path / "shop")
    result, ended, server = repair(root, say("The test is wrong: it should be 4."))
    assert result.exit_code == 1
    assert len(server.requests) == 1
    assert "same findings came back" in ended["reason"]
    assert ended["said"] == "The test is wrong: it should be 4."


def test_a_cap_on_money_ends_it_with_5(tmp_path: Path, repair: Any) -> None:
    root = make(tmp_path / "shop")
    result, ended, server = repair(root, args=("--max-money", "0.0001"))
    assert result.exit_code == 5
    assert server.requests == []
    assert "money" in ended["reason"]


def test_code_of_the_checkout_is_not_what_is_tested(
    tmp_path: Path, repair: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make(tmp_path / "shop")
    code = f"import sys\nsys.path.insert(0, {str(root / 'src')!r})\n"
    (root / "tests" / "conftest.py").write_text(code)
    result, ended, _ = repair(root, *edit(" + 1", ""), say("Mended."))
    assert result.exit_code == 1
    assert "PYT003" in {f["code"] for f in ended["proof"]["after"]["findings"]}


@pytest.mark.parametrize(
    ("files", "code", "says"),
    [
        ({"README.md": "x"}, 2, "neither a dbt project nor tests"),
        ({"a/dbt_project.yml": "", "b/dbt_project.yml": ""}, 2, "2 dbt projects: a, b"),
    ],
)
def test_no_project(
    tmp_path: Path, run_cli: Cli, files: dict[str, str], code: int, says: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    result = run_cli("repair", str(tmp_path))
    assert result.exit_code == code
    assert says in result.stderr.replace("\n", " ")


def test_without_git(tmp_path: Path, run_cli: Cli) -> None:
    (tmp_path / "test_a.py").write_text("def test_a(): pass\n")
    result = run_cli("repair", str(tmp_path))
    assert result.exit_code == 6
    assert "git init" in result.stderr


def test_what_is_shown_to_a_person(
    tmp_path: Path, run_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make(tmp_path / "shop")
    refused = call("write_file", path="tests/test_shop.py", content="")
    read = call("read_file", path="tests/test_shop.py")
    with MessagesServer([read, refused, *edit(" + 1", ""), say("One too many.")]) as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        result = run_cli("-C", str(root), "repair")
    assert result.exit_code == 0
    for text in (
        "-    return sum(values) + 1",
        "+    return sum(values)",
        "tests before",
        "3 tests: 1 passed, 2 failed",
        "3 tests: 3 passed",
        "refused: write_file tests/test_shop.py",
        "the model says: One too many.",
        "merge it with: git merge specmill/repair-",
    ):
        assert text in result.stdout, text
    assert "tests: 3 tests" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_done_until_an_interrupt_is_kept(tmp_path: Path, number: signal.Signals) -> None:
    root = make(tmp_path / "shop")
    hold, reached = threading.Event(), threading.Event()
    silent = stalled(say("This answer never ends."), hold, after_events=3)

    def hang(_request: Any) -> Any:
        reached.set()
        return silent

    with MessagesServer([*edit(" + 1", ""), hang]) as server:
        env = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": server.url}
        process = start("repair", cwd=root, **env)
        assert reached.wait(60)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        hold.set()
        if number == signal.SIGKILL:
            again = subprocess.run(
                [sys.executable, "-m", "agent", "repair"],
                cwd=root,
                env=environment(),
                capture_output=True,
                timeout=60,
                check=False,
            )
            assert again.returncode == 4, again.stderr
        else:
            assert process.returncode == 130
            assert "is on the branch specmill/repair-" in said
    branch = git(root, "branch", "--list", "specmill/*", "--format=%(refname:short)")
    assert git(root, "show", f"{branch}:src/shop/__init__.py") == CODE.strip()
    assert git(root, "worktree", "list").count("\n") == 0
    assert not list((root / ".specmill" / "repair").iterdir())
    recording = (root / ".specmill" / "repairs").rglob("recording.jsonl")
    text = "".join(file.read_text() for file in recording)
    assert "assert 4 == 3" in text
    assert KEY not in text
