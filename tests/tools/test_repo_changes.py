from __future__ import annotations

from pathlib import Path

import pytest

from tests.agent.support import git
from tools.errors import WaitsForPerson
from tools.repo_changes import changed_since, commit_of, drop_ignored, put_back, text_at


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = A\n\temail = a@b.c\n")
    root = tmp_path / "repo"
    (root / "sub").mkdir(parents=True)
    git(tmp_path, "init", "--quiet", str(root))
    (root / "a").write_text("a\n")
    (root / "sub" / "b").write_text("b\n")
    (root / ".gitignore").write_text("*.log\n")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "start")
    return root


def test_nothing_to_keep_is_head_itself(repo: Path) -> None:
    assert commit_of(repo, "x") == git(repo, "rev-parse", "HEAD")


def test_all_that_is_not_ignored_is_kept_and_nothing_is_touched(repo: Path) -> None:
    (repo / "a").write_text("staged\n")
    git(repo, "add", "a")
    (repo / "a").write_text("worked\n")
    (repo / "sub" / "b").unlink()
    (repo / "new *").write_text("new\n")
    (repo / "x.log").write_text("x\n")
    (repo / ".specmill").mkdir()
    (repo / ".specmill" / "s").write_text("s\n")
    before = git(repo, "status", "--porcelain"), git(repo, "diff", "--cached")
    commit = commit_of(repo / "sub", "kept")
    assert (git(repo, "status", "--porcelain"), git(repo, "diff", "--cached")) == (
        before[0].replace("?? .specmill/\n", "").replace("\n?? .specmill/", ""),
        before[1],
    )
    assert git(repo, "ls-tree", "-r", "--name-only", commit).split("\n") == [
        *(".gitignore", "a", "new *")
    ]
    assert git(repo, "show", f"{commit}:a") == "worked"
    assert git(repo, "rev-parse", f"{commit}^") == git(repo, "rev-parse", "HEAD")
    assert changed_since(repo, commit) == ()
    assert changed_since(repo, "HEAD") == ("a", "new *", "sub/b")


def test_a_repository_without_commits(tmp_path: Path, repo: Path) -> None:
    empty = tmp_path / "empty"
    git(tmp_path, "init", "--quiet", str(empty))
    (empty / "a").write_text("a\n")
    assert git(empty, "ls-tree", "--name-only", commit_of(empty, "first")) == "a"


def test_conflicts_are_for_a_person(repo: Path) -> None:
    git(repo, "checkout", "--quiet", "-b", "other")
    (repo / "a").write_text("other\n")
    git(repo, "commit", "--quiet", "-am", "other")
    git(repo, "checkout", "--quiet", "-")
    (repo / "a").write_text("mine\n")
    git(repo, "commit", "--quiet", "-am", "mine")
    with pytest.raises(Exception, match="merge"):
        git(repo, "merge", "other")
    with pytest.raises(WaitsForPerson, match="in conflict"):
        commit_of(repo, "x")


def test_files_are_put_back(repo: Path) -> None:
    head = git(repo, "rev-parse", "HEAD")
    assert text_at(repo, head, "a") == b"a\n"
    assert text_at(repo, head, "none") is None
    (repo / "a").unlink()
    (repo / "a").symlink_to("sub/b")
    (repo / "sub" / "b").unlink()
    (repo / "new").write_text("new\n")
    for path in ("a", "sub/b", "new"):
        put_back(repo, head, path)
    assert git(repo, "status", "--porcelain") == ""
    assert not (repo / "a").is_symlink()


def test_ignored_files_go_and_state_stays(repo: Path) -> None:
    (repo / ".git" / "info" / "exclude").write_text(".specmill/\n")
    (repo / "x.log").write_text("x\n")
    (repo / "kept").write_text("x\n")
    (repo / ".specmill").mkdir()
    (repo / ".specmill" / "s").write_text("s\n")
    drop_ignored(repo)
    assert sorted(p.name for p in repo.iterdir()) == sorted(
        [".git", ".gitignore", ".specmill", "a", "kept", "sub"]
    )
    assert (repo / ".specmill" / "s").is_file()
