"""What is not committed is shown; commits hold what was named, by the repository's own rules."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def repo(office: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("HOME", str(office.root.parent))
    (office.root.parent / ".gitconfig").write_text("[user]\n name = Ana\n email = a@example.org\n")
    office.git("init", "-q", "-b", "main")
    office.put("a.sql", "one\n")
    office.put("tests/t.sql", "t\n")
    office.git("add", ".")
    office.git("commit", "-qm", "first")
    return office


def test_status_and_diff(repo: Any) -> None:
    assert repo.call("git_status") == "on main\n[nothing to commit]"
    assert repo.call("git_diff") == "[no changes]"
    repo.put("a.sql", "two\n")
    repo.put("models/new.sql", "n\n")
    repo.put(".env", "hunter2")
    repo.put(".specmill/runs/x", "x")
    (repo.root / "tests/t.sql").unlink()
    assert repo.call("git_status").splitlines() == [
        "on main", "?? .env", " M a.sql", "?? models/new.sql", " D tests/t.sql",
    ]  # fmt: skip
    diff = repo.call("git_diff")
    assert "-one\n+two" in diff
    assert "deleted file" in diff
    assert "+++ b/models/new.sql\n@@ -0,0 +1 @@\n+n" in diff
    assert "hunter2" not in diff
    assert "a.sql" not in repo.call("git_diff", path="models")


def test_a_diff_against_another_commit(repo: Any) -> None:
    repo.put("a.sql", "two\n")
    repo.git("commit", "-qam", "second")
    assert "-one\n+two" in repo.call("git_diff", against="HEAD~1")
    assert "knows no commit" in repo.error("git_diff", against="nope")
    assert "names no commit" in repo.error("git_diff", against="--output=x")


def test_a_folder_without_a_repository(office: Any) -> None:
    assert "no git repository" in office.error("git_status")
    assert "no git repository" in office.error("git_diff")
    assert "no git repository" in office.error("commit", message="x", paths=["a"])


def test_a_repository_without_a_commit(office: Any) -> None:
    office.git("init", "-q", "-b", "main")
    office.put("a.sql", "one\n")
    assert "+one" in office.call("git_diff")
    assert "?? a.sql" in office.call("git_status")


def test_what_was_named_is_committed_on_a_branch(repo: Any) -> None:
    repo.put("a.sql", "two\n")
    repo.put("models/new.sql", "n\n")
    repo.put("other.sql", "o\n")
    repo.git("add", "other.sql")
    given = {"message": "Why it is made\n\nMore.", "paths": ["a.sql", "models"], "branch": "fix/a"}
    assert repo.preview("commit", **given) == (
        "Why it is made\n\nMore.\n\non fix/a:\na.sql\nmodels/new.sql"
    )
    assert repo.git("branch", "--show-current") == "main\n"
    assert repo.call("commit", **given).endswith("on fix/a")
    assert repo.git("show", "--name-only", "--format=%B", "HEAD").split("\n") == [
        "Why it is made", "", "More.", "", "", "a.sql", "models/new.sql", "",
    ]  # fmt: skip
    assert repo.git("status", "--short") == "A  other.sql\n"
    assert repo.git("log", "--format=%s", "main") == "first\n"


def test_a_shared_branch_needs_a_new_one(repo: Any) -> None:
    repo.put("a.sql", "two\n")
    assert "name a new branch" in repo.error("commit", message="x", paths=["a.sql"])
    repo.git("switch", "-qc", "mine")
    assert repo.call("commit", message="x", paths=["a.sql"]).endswith("on mine")
    repo.put("a.sql", "three\n")
    repo.git("switch", "-q", "--detach")
    assert "no branch is checked out" in repo.error("commit", message="x", paths=["a.sql"])


def test_a_hook_has_its_say(repo: Any) -> None:
    hook = repo.put(".git/hooks/pre-commit", "#!/bin/sh\necho 'lint: no' >&2\nexit 1\n")
    hook.chmod(0o755)
    repo.put("a.sql", "two\n")
    said = repo.error("commit", message="x", paths=["a.sql"], branch="b")
    assert "lint: no" in said
    assert repo.git("log", "--format=%s", "--all") == "first\n"


WRONG = [
    ({"message": " ", "paths": ["a.sql"], "branch": "b"}, "message is empty"),
    ({"message": "x", "paths": [], "branch": "b"}, "nothing has changed"),
    ({"message": "x", "paths": ["tests"], "branch": "b"}, "nothing has changed"),
    ({"message": "x", "paths": ["../x"], "branch": "b"}, "not a path inside"),
    ({"message": "x", "paths": ["."], "branch": "b"}, "may hold secrets"),
    ({"message": "x", "paths": ["a.sql"], "branch": "--force"}, "cannot be the name"),
    ({"message": "x", "paths": ["a.sql"], "branch": "main"}, "already exists"),
]


@pytest.mark.parametrize(("given", "said"), WRONG)
def test_commits_that_are_not_made(repo: Any, given: dict[str, Any], said: str) -> None:
    repo.put("a.sql", "two\n")
    repo.put(".env", "hunter2")
    assert said in repo.error("commit", **given)
    assert repo.git("log", "--format=%s", "--all") == "first\n"
