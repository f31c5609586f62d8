"""What a call did to tests is taken back, however it did it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.acting import Toolbox
from agent.guarding import Guard, GuardedToolbox
from agent.model.base import Json
from agent.talk import ToolCall
from tests.agent.shop import PROPERTIES, make_project
from tests.agent.support import git
from tools.desk import ToolResult
from tools.suites.protected import Protection

CALL = ToolCall("1", "shell", {})


class Doing(Toolbox):
    """A toolbox whose calls do something to the files, as a shell would."""

    def __init__(self, does: Callable[[], object], *, reads: bool = False) -> None:
        self.does, self.reads = does, reads

    def definitions(self) -> tuple[Json, ...]:
        return ()

    def malformed(self, call: ToolCall) -> str:
        return ""

    def reads_only(self, call: ToolCall) -> bool:
        return self.reads

    def run(self, call: ToolCall) -> ToolResult:
        self.does()
        return ToolResult("done")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_project(tmp_path / "shop")


@pytest.fixture
def guard(root: Path) -> Guard:
    return Guard(root, git(root, "rev-parse", "HEAD"), Protection.of("dbt", root, root))


def result(guard: Guard, does: Callable[[], object]) -> ToolResult:
    return GuardedToolbox(Doing(does), guard).run(CALL)


@pytest.mark.parametrize(
    "path", ["tests/amounts_are_positive.sql", "seeds/raw_orders.csv", "dbt_project.yml"]
)
@pytest.mark.parametrize("how", ["changed", "deleted", "replaced by a link", "moved"])
def test_protected_files_are_as_they_were(root: Path, guard: Guard, path: str, how: str) -> None:
    file = root / path
    text = file.read_text()

    def wreck() -> None:
        if how == "changed":
            file.write_bytes(b"\xff")
        elif how == "moved":
            file.rename(root / "models" / "elsewhere.txt")
        else:
            file.unlink()
        if how == "replaced by a link":
            file.symlink_to("/etc/passwd")

    told = result(guard, wreck)
    assert told.is_error
    assert path in told.text
    assert "may not touch" in told.text
    assert file.read_text() == text
    assert not file.is_symlink()


def test_new_tests_and_links_go(root: Path, guard: Guard) -> None:
    def wreck() -> None:
        (root / "tests" / "new.sql").write_text("select 1")
        (root / "models" / "link.sql").symlink_to("/etc/passwd")

    told = result(guard, wreck)
    assert "tests/new.sql" in told.text
    assert "no symbolic links" in told.text
    assert git(root, "status", "--porcelain") == ""


def test_what_is_allowed_stays_when_the_rest_is_taken_back(root: Path, guard: Guard) -> None:
    schema = root / "models" / "schema.yml"
    better = PROPERTIES + "# a note\n"
    assert not result(guard, lambda: schema.write_text(better)).is_error
    told = result(guard, lambda: schema.write_text(better.replace("unique, ", "")))
    assert "models.orders.columns.order_id.data_tests" in told.text
    assert schema.read_text() == better


def test_what_was_committed_meanwhile_is_seen(root: Path, guard: Guard) -> None:
    def wreck() -> None:
        git(root, "rm", "--quiet", "tests/amounts_are_positive.sql")
        git(root, "commit", "--quiet", "-m", "no tests")

    assert "amounts_are_positive" in result(guard, wreck).text
    assert (root / "tests" / "amounts_are_positive.sql").is_file()


def test_what_the_model_knew_of_a_file_still_holds(root: Path, guard: Guard) -> None:
    seen = {"models/schema.yml": "as it was"}

    def weaken() -> None:
        (root / "models" / "schema.yml").write_text("models: []\n")
        seen["models/schema.yml"] = "weakened"

    refused: list[str] = []
    box = GuardedToolbox(Doing(weaken), guard, seen, lambda _, why: refused.append(why))
    assert box.run(CALL).is_error
    assert seen == {"models/schema.yml": "as it was"}
    assert "not as it was" in refused[0]


def test_reading_costs_nothing(root: Path, guard: Guard) -> None:
    box = GuardedToolbox(
        Doing(lambda: None, reads=True), Guard(Path("/nowhere"), "", guard.protection)
    )
    assert box.run(CALL).text == "done"
