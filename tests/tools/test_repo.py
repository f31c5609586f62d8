from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.errors import ProgramMissing, UsageError, WaitsForPerson
from tools.repo import Repo
from tools.repo_git import Answer, failure

BRANCH = "specmill/dim_order"


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("GIT_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / "config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("EMAIL", raising=False)
    (home / "config").write_text("[user]\nname = Ann\nemail = ann@example.com\n")


def git(cwd: Path, *args: str) -> str:
    done = subprocess.run(["git", *args], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.removesuffix("\n")


def make(folder: Path, *, commit: bool = True, args: tuple[str, ...] = ()) -> Path:
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main", *args)
    if commit:
        (folder / "README.md").write_text("hello\n")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", "first")
    return folder


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return make(tmp_path / "repo")


def opened(folder: Path) -> Repo:
    repo = Repo.open(folder)
    assert repo is not None
    return repo


def at(folder: Path) -> Path:
    return folder / ".specmill" / "work" / "dim_order"


def picture(folder: Path) -> dict[str, str]:
    """What of the person's must not change: files, index, HEAD, refs and stash, as bytes."""
    dot = Path(git(folder, "rev-parse", "--path-format=absolute", "--git-dir"))
    status = git(folder, "--no-optional-locks", "status", "--porcelain", "-uall")
    seen = {"status": status, "stash": git(folder, "stash", "list")}
    refs = git(folder, "for-each-ref", "--format=%(objectname) %(refname)")
    seen["refs"] = "\n".join(r for r in refs.split("\n") if "refs/heads/specmill/" not in r)
    for path in [dot / "index", dot / "HEAD", dot / "config", dot / "logs" / "HEAD"]:
        seen[path.name + path.parent.name] = path.read_bytes().hex() if path.exists() else ""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not {".git", ".specmill"} & set(path.relative_to(folder).parts):
            seen[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return seen


def put(root: Path, path: str, text: str) -> str:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8", newline="")
    return path


def test_open_finds_the_repository_and_the_place_in_it(top: Path, tmp_path: Path) -> None:
    (top / "data platform").mkdir()
    repo = opened(top / "data platform")
    assert (repo.top, repo.prefix) == (top, "data platform/")
    assert opened(top).prefix == ""
    assert Repo.open(tmp_path / "home") is None


def test_open_through_a_symbolic_link(top: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(top)
    repo = opened(tmp_path / "link")
    assert repo.top == top
    tree = repo.worktree(BRANCH, at(tmp_path / "link"))
    assert repo.worktree(BRANCH, at(tmp_path / "link")).tip == tree.tip


def test_open_refuses_a_bare_repository(tmp_path: Path, top: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(top), "bare.git")
    for folder in (tmp_path / "bare.git", top / ".git"):
        with pytest.raises(UsageError, match="bare repository"):
            Repo.open(folder)


@pytest.mark.parametrize("leak", [{}, {"GIT_DIR": "/nowhere"}])
def test_git_is_missing(top: Path, monkeypatch: pytest.MonkeyPatch, leak: dict[str, str]) -> None:
    programs = top.parent / "bin"
    programs.mkdir()
    env = shutil.which("env")
    assert env
    (programs / "env").symlink_to(env)
    monkeypatch.setenv("PATH", str(programs))
    for name, value in leak.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ProgramMissing, match="git is not installed") as caught:
        Repo.open(top)
    assert "Install git" in caught.value.remedy


def test_facts(top: Path) -> None:
    repo = opened(top)
    first = git(top, "rev-parse", "HEAD")
    assert repo.head() == first == repo.branch_tip("main")
    assert repo.branch() == "main"
    assert repo.branch_tip("nope") is None
    put(top, "a.txt", "a\n")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "second")
    assert repo.contains("HEAD", first)
    assert not repo.contains(first, "HEAD")
    assert repo.count(first, "HEAD") == 1
    assert repo.show("HEAD", "a.txt") == "a\n"
    assert repo.show(first, "a.txt") is None
    assert repo.show("nope", "a.txt") is None
    assert "+a" in repo.diff(first, "HEAD")
    assert repo.diff(first, "HEAD", ["README.md"]) == ""


def test_status_of_odd_names_in_a_subfolder(top: Path) -> None:
    sub = top / "data platform"
    put(top, "outside.txt", "x")
    names = ["a b.txt", "süß.txt", "new\nline.txt", "*.txt"]
    for name in names:
        put(sub, name, "x")
    repo = opened(sub)
    assert repo.status() == dict.fromkeys(names, "??")
    assert repo.status(["*.txt"]) == {"*.txt": "??"}
    assert repo.is_dirty(["a b.txt"])
    assert not repo.is_dirty(["b.txt"])


def test_looking_does_not_rewrite_the_index(top: Path) -> None:
    os.utime(top / "README.md", (1, 1))  # git would note the new time if it were allowed to
    before = (top / ".git" / "index").read_bytes()
    repo = opened(top)
    assert not repo.is_dirty()
    repo.worktree(BRANCH, at(top))
    assert (top / ".git" / "index").read_bytes() == before


def test_commit_holds_the_given_paths_and_no_others(top: Path) -> None:
    repo = opened(top)
    tree = repo.worktree(BRANCH, at(top))
    names = ["generated/a b.sql", "generated/süß.sql", "generated/new\nline.sql", "*.sql"]
    for name in names:
        put(tree.root, name, f"select '{name}'\n")
    put(tree.root, "other.txt", "not ours\n")
    new = repo.commit(tree, names, "Make dim_order\n\nBody: ü\n")
    assert new == repo.branch_tip(BRANCH)
    listed = git(top, "show", "-z", "--name-status", "--no-renames", "--format=", BRANCH)
    assert sorted(listed.split("\0")[1::2]) == sorted(names)
    assert git(top, "log", "-1", "--format=%an <%ae>%n%B", BRANCH) == (
        "Ann <ann@example.com>\nMake dim_order\n\nBody: ü\n"
    )
    assert repo.show(BRANCH, names[0]) == f"select '{names[0]}'\n"
    assert repo.commit(tree, names, "again") is None
    assert git(tree.path, "status", "--porcelain") == "?? other.txt"


def test_commit_leaves_out_what_else_is_staged(top: Path) -> None:
    repo = opened(top)
    tree = repo.worktree(BRANCH, at(top))
    put(tree.root, "other.txt", "staged by somebody")
    git(tree.path, "add", "other.txt")
    assert repo.commit(tree, [put(tree.root, "a.sql", "1")], "make")
    assert git(top, "ls-tree", "-r", "--name-only", BRANCH) == "README.md\na.sql"


def test_commit_removes_what_is_gone(top: Path) -> None:
    repo = opened(top)
    tree = repo.worktree(BRANCH, at(top))
    put(tree.root, "a/x.sql", "x")
    repo.commit(tree, ["a/x.sql"], "make")
    shutil.rmtree(tree.root / "a")
    assert repo.commit(tree, ["a/x.sql", "never/was.sql"], "drop") is not None
    assert git(top, "ls-tree", "-r", "--name-only", BRANCH) == "README.md"


def test_commit_of_files_that_the_person_ignores(top: Path) -> None:
    put(top, ".gitignore", "generated/\n.specmill/\n")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "ignore")
    before = (top / ".git" / "info" / "exclude").read_text()
    repo = opened(top)
    tree = repo.worktree(BRANCH, at(top))
    assert repo.commit(tree, [put(tree.root, "generated/a.sql", "1")], "make")
    assert (top / ".git" / "info" / "exclude").read_text() == before


def test_a_workspace_below_the_top(top: Path) -> None:
    sub = top / "data platform"
    sub.mkdir()
    repo = opened(sub)
    tree = repo.worktree(BRANCH, at(sub))
    assert tree.root == at(sub) / "data platform"
    repo.commit(tree, [put(tree.root, "generated/a.sql", "1")], "make")
    assert git(top, "ls-tree", "-r", "--name-only", BRANCH) == (
        "README.md\ndata platform/generated/a.sql"
    )
    assert repo.show(BRANCH, "generated/a.sql") == "1"
    assert "b/generated/a.sql" in repo.diff("main", BRANCH)
    sha256 = hashlib.sha256(b"1").hexdigest()
    assert repo.find_by_sha256("generated/a.sql", sha256) == "1"


@pytest.mark.parametrize("state", ["clean", "dirty", "detached", "unborn", "stash", "autocrlf"])
def test_the_persons_checkout_stays_as_it_is(tmp_path: Path, state: str) -> None:
    top = make(tmp_path / "repo", commit=state != "unborn")
    if state == "autocrlf":
        git(top, "config", "core.autocrlf", "true")
        git(top, "config", "core.safecrlf", "true")
    if state == "detached":
        git(top, "checkout", "-q", "--detach")
    if state == "stash":
        put(top, "README.md", "stashed\n")
        git(top, "stash", "-q")
    if state in {"dirty", "detached", "unborn", "stash"}:
        put(top, "staged.txt", "staged\n")
        git(top, "add", "staged.txt")
        put(top, "staged.txt", "and changed\n")
        put(top, "README.md", "changed\n")
        put(top, "generated/dbt/x.sql", "the person's own\n")
    os.utime(top / ".git", (0, 0))
    before = picture(top)
    repo = opened(top)
    for number in range(2):
        tree = repo.worktree(BRANCH, at(top))
        put(tree.root, "generated/dbt/x.sql", f"select {number}\n")
        assert repo.commit(tree, ["generated/dbt/x.sql"], f"run {number}")
        assert repo.status() is not None
        assert picture(top) == before
    assert repo.show(BRANCH, "generated/dbt/x.sql") == "select 1\n"
    assert ".specmill/" in (top / ".git" / "info" / "exclude").read_text().splitlines()


def test_a_repository_without_commits(tmp_path: Path) -> None:
    top = make(tmp_path / "repo", commit=False)
    repo = opened(top)
    assert repo.head() is None
    assert repo.branch() == "main"
    tree = repo.worktree(BRANCH, at(top))
    assert (tree.base_commit, tree.behind) == ("", 0)
    assert git(top, "ls-tree", "-r", BRANCH) == ""
    assert repo.commit(tree, [put(tree.root, "a.sql", "1")], "make")
    put(top, "README.md", "mine\n")
    git(top, "add", "README.md")
    git(top, "commit", "-qm", "first of the person")
    tree = repo.worktree(BRANCH, at(top))
    assert (tree.related, tree.behind) == (False, 1)
    assert repo.show(BRANCH, "a.sql") == "1"


def test_a_sha256_repository(tmp_path: Path) -> None:
    top = make(tmp_path / "repo", commit=False, args=("--object-format=sha256",))
    repo = opened(top)
    tree = repo.worktree(BRANCH, at(top))
    new = repo.commit(tree, [put(tree.root, "a.sql", "1")], "make")
    assert new is not None
    assert len(new) == 64


def test_a_merged_branch_moves_on_with_head(top: Path) -> None:
    repo = opened(top)
    tree = repo.worktree(BRANCH, at(top))
    repo.commit(tree, [put(tree.root, "a.sql", "1")], "make")
    git(top, "merge", "-q", "--no-ff", "-m", "merge", BRANCH)
    put(top, "b.txt", "b")
    git(top, "add", "b.txt")
    git(top, "commit", "-qm", "after")
    tree = repo.worktree(BRANCH, at(top))
    assert tree.tip == repo.head() == repo.branch_tip(BRANCH)
    assert tree.behind == 0
    assert (tree.root / "b.txt").read_text() == "b"
    assert git(tree.path, "status", "--porcelain") == ""


def test_a_branch_with_its_own_commits_stays_and_says_how_far_behind(top: Path) -> None:
    repo = opened(top)
    tree = repo.worktree(BRANCH, at(top))
    tip = repo.commit(tree, [put(tree.root, "a.sql", "1")], "make")
    put(top, "b.txt", "b")
    git(top, "add", "b.txt")
    git(top, "commit", "-qm", "meanwhile")
    tree = repo.worktree(BRANCH, at(top))
    assert (tree.tip, tree.behind, tree.related) == (tip, 1, True)
    assert tree.base_commit == repo.head()


def test_leftovers_of_a_killed_run_are_discarded(top: Path) -> None:
    repo = opened(top)
    tree = repo.worktree(BRANCH, at(top))
    put(tree.root, "README.md", "half")
    put(tree.root, "generated/half.sql", "half")
    put(tree.root, "nested/.git/config", "")
    git(tree.path, "add", "README.md")
    tree = repo.worktree(BRANCH, at(top))
    assert git(tree.path, "status", "--porcelain", "--ignored") == ""
    assert (tree.root / "README.md").read_text() == "hello\n"


@pytest.mark.parametrize(
    "damage", ["gone", "no .git", "index.lock", "initializing", "other", "rec"]
)
def test_a_damaged_worktree_is_made_anew(top: Path, damage: str) -> None:
    repo = opened(top)
    tree = repo.worktree(BRANCH, at(top))
    tip = repo.commit(tree, [put(tree.root, "a.sql", "1")], "make")
    record = top / ".git" / "worktrees" / "dim_order"
    if damage == "gone":
        shutil.rmtree(tree.path)
    elif damage == "no .git":
        (tree.path / ".git").unlink()
    elif damage == "index.lock":
        (record / "index.lock").touch()
    elif damage == "initializing":
        shutil.rmtree(tree.path)
        (record / "locked").write_text("initializing")
    elif damage == "other":
        git(tree.path, "checkout", "-q", "--detach")
    elif damage == "rec":
        shutil.rmtree(record)
    again = repo.worktree(BRANCH, at(top))
    assert again.tip == tip
    assert git(again.path, "status", "--porcelain", "--branch") == f"## {BRANCH}"
    assert (again.root / "a.sql").read_text() == "1"


def test_a_folder_that_is_not_ours_stops(top: Path) -> None:
    put(at(top), "precious.txt", "mine")
    with pytest.raises(WaitsForPerson, match="did not make"):
        opened(top).worktree(BRANCH, at(top))
    assert (at(top) / "precious.txt").read_text() == "mine"


def test_a_branch_that_the_person_is_on_stops(top: Path) -> None:
    repo = opened(top)
    tree = repo.worktree(BRANCH, at(top))
    repo.commit(tree, [put(tree.root, "a.sql", "1")], "make")
    git(top, "worktree", "remove", str(tree.path))
    git(top, "switch", "-q", BRANCH)
    put(top, "a.sql", "edited")
    before = picture(top)
    with pytest.raises(WaitsForPerson, match="checked out at") as caught:
        repo.worktree(BRANCH, at(top))
    assert "git switch" in caught.value.remedy
    assert picture(top) == before


def test_a_branch_is_not_moved_under_another_checkout(top: Path, tmp_path: Path) -> None:
    git(top, "worktree", "add", "-q", "-b", BRANCH, str(tmp_path / "linked"))
    tip = git(top, "rev-parse", BRANCH)
    put(top, "README.md", "on\n")
    git(top, "commit", "-qam", "on")
    with pytest.raises(WaitsForPerson, match="checked out at"):
        opened(top).worktree(BRANCH, at(top))
    assert git(top, "rev-parse", BRANCH) == tip


def test_a_branch_in_a_rebase_stops(top: Path) -> None:
    repo = opened(top)
    git(top, "switch", "-qc", BRANCH)
    put(top, "README.md", "theirs\n")
    git(top, "commit", "-qam", "one")
    git(top, "switch", "-q", "main")
    put(top, "README.md", "ours\n")
    git(top, "commit", "-qam", "two")
    argv = ["git", "rebase", "-q", "main", BRANCH]
    assert subprocess.run(argv, cwd=top, capture_output=True, check=False).returncode != 0
    with pytest.raises(WaitsForPerson, match=r"checked out|used by worktree"):
        repo.worktree(BRANCH, at(top))


def test_a_branch_name_in_the_way_stops(top: Path) -> None:
    git(top, "branch", "specmill")
    with pytest.raises(WaitsForPerson) as caught:
        opened(top).worktree(BRANCH, at(top))
    assert "Rename the branch" in caught.value.remedy


@pytest.mark.parametrize("name", ["a..b", "-x", "a b", "x.lock", "a\nb"])
def test_a_name_that_is_no_branch(top: Path, name: str) -> None:
    with pytest.raises(UsageError, match="not a name"):
        opened(top).worktree(name, at(top))


def test_a_lock_of_another_git(top: Path) -> None:
    repo = opened(top)
    tree = repo.worktree(BRANCH, at(top))
    put(tree.root, "a.sql", "1")
    (top / ".git" / "worktrees" / "dim_order" / "index.lock").touch()
    with pytest.raises(ProgramMissing, match=r"another git process holds .*index\.lock") as caught:
        repo.commit(tree, ["a.sql"], "make")
    assert "delete that file" in caught.value.remedy


def test_the_index_lock_of_the_person_does_not_matter(top: Path) -> None:
    (top / ".git" / "index.lock").touch()
    repo = opened(top)
    tree = repo.worktree(BRANCH, at(top))
    assert repo.commit(tree, [put(tree.root, "a.sql", "1")], "make")


def test_variables_of_a_hook_do_not_leak(
    top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make(tmp_path / "other")
    before = picture(other)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_PREFIX", "x/")
    repo = opened(top)
    assert repo.top == top
    tree = repo.worktree(BRANCH, at(top))
    assert repo.commit(tree, [put(tree.root, "a.sql", "1")], "make")
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_PREFIX"):
        monkeypatch.delenv(name)
    assert picture(other) == before
    assert git(top, "status", "--porcelain") == ""


def test_hooks_signatures_and_templates_do_not_matter(top: Path) -> None:
    for name in (
        "pre-commit",
        "commit-msg",
        "post-commit",
        "post-checkout",
        "reference-transaction",
    ):
        hook = top / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {top}/ran-{name}\nexit 1\n")
        hook.chmod(0o755)
    git(top, "config", "commit.gpgSign", "true")
    git(top, "config", "gpg.program", "false")
    git(top, "config", "branch.autoSetupMerge", "always")
    before = (top / ".git" / "config").read_text()
    repo = opened(top)
    tree = repo.worktree(BRANCH, at(top))
    assert repo.commit(tree, [put(tree.root, "a.sql", "1")], "make")
    assert not list(top.glob("ran-*"))
    assert (top / ".git" / "config").read_text() == before


def test_nobody_is_configured(top: Path, tmp_path: Path) -> None:
    (tmp_path / "home" / "config").write_text("[user]\nuseConfigOnly = true\n")
    repo = opened(top)
    tree = repo.worktree(BRANCH, at(top))
    assert repo.commit(tree, [put(tree.root, "a.sql", "1")], "make")
    who = git(top, "log", "-1", "--format=%an <%ae> %cn <%ce>", BRANCH)
    assert who == "specmill <specmill@localhost> specmill <specmill@localhost>"
    assert "specmill@" not in (tmp_path / "home" / "config").read_text()


def test_find_by_sha256_walks_the_whole_history(top: Path) -> None:
    repo = opened(top)
    git(top, "switch", "-qc", "side")
    for number in range(3):
        put(top, "generated/a.sql", f"select {number}\r\n")
        git(top, "add", "-A")
        git(top, "commit", "-qm", f"{number}")
    git(top, "rm", "-q", "generated/a.sql")
    git(top, "commit", "-qm", "drop")
    git(top, "switch", "-q", "main")
    for number in range(3):
        sha256 = hashlib.sha256(f"select {number}\n".encode()).hexdigest()
        assert repo.find_by_sha256("generated/a.sql", sha256) == f"select {number}\n"
    assert repo.find_by_sha256("generated/a.sql", "0" * 64) is None
    assert repo.find_by_sha256("nope.sql", "0" * 64) is None


def test_find_by_sha256_looks_into_merges(top: Path) -> None:
    git(top, "switch", "-qc", "side")
    put(top, "a.sql", "on the side\n")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "side")
    git(top, "switch", "-q", "main")
    git(top, "merge", "-q", "--no-ff", "--no-commit", "side")
    put(top, "a.sql", "made in the merge\n")
    git(top, "commit", "-qam", "merge")
    git(top, "switch", "-qc", "drop", "HEAD~1")
    git(top, "merge", "-q", "-s", "ours", "-m", "drop it", "main")
    git(top, "branch", "-qD", "side", "main")
    repo = opened(top)
    for text in ("on the side\n", "made in the merge\n"):
        assert repo.find_by_sha256("a.sql", hashlib.sha256(text.encode()).hexdigest()) == text


def test_a_shallow_clone(top: Path, tmp_path: Path) -> None:
    put(top, "b.txt", "b")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "second")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{top}", "shallow")
    repo = opened(tmp_path / "shallow")
    tree = repo.worktree(BRANCH, at(tmp_path / "shallow"))
    assert repo.commit(tree, [put(tree.root, "a.sql", "1")], "make")
    assert repo.worktree(BRANCH, at(tmp_path / "shallow")).behind == 0


def test_a_submodule(top: Path, tmp_path: Path) -> None:
    outer = make(tmp_path / "outer")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(top), "inner")
    git(outer, "commit", "-qm", "add inner")
    for folder in (outer / "inner", outer):
        before = picture(folder)
        repo = opened(folder)
        assert repo.top == folder
        tree = repo.worktree(BRANCH, at(folder))
        assert repo.commit(tree, [put(tree.root, "a.sql", "1")], "make")
        assert picture(folder) == before
    repo = opened(outer)
    tree = repo.worktree(BRANCH, at(outer))
    put(tree.root, "inner/a.sql", "1")
    with pytest.raises((ProgramMissing, UsageError)):
        repo.commit(tree, ["inner/a.sql"], "into the submodule")


def test_a_linked_worktree_of_the_person(top: Path, tmp_path: Path) -> None:
    git(top, "worktree", "add", "-q", "-b", "feature", str(tmp_path / "linked"))
    linked = tmp_path / "linked"
    before = picture(linked)
    repo = opened(linked)
    tree = repo.worktree(BRANCH, at(linked))
    assert repo.commit(tree, [put(tree.root, "a.sql", "1")], "make")
    assert picture(linked) == before
    with pytest.raises(WaitsForPerson, match="checked out at"):
        opened(top).worktree(BRANCH, at(top))


def test_a_symbolic_link_on_the_way_stops(top: Path, tmp_path: Path) -> None:
    repo = opened(top)
    tree = repo.worktree(BRANCH, at(top))
    put(tmp_path, "outside/a.sql", "1")
    (tree.root / "generated").symlink_to(tmp_path / "outside")
    with pytest.raises(UsageError, match="symbolic link"):
        repo.commit(tree, ["generated/a.sql"], "make")


def test_line_ends_are_kept_whatever_the_person_prefers(top: Path) -> None:
    git(top, "config", "core.autocrlf", "true")
    repo = opened(top)
    tree = repo.worktree(BRANCH, at(top))
    repo.commit(tree, [put(tree.root, "a.sql", "1\n2\n")], "make")
    shutil.rmtree(tree.path)
    tree = repo.worktree(BRANCH, at(top))
    assert (tree.root / "a.sql").read_bytes() == b"1\n2\n"


def test_the_exclude_file_keeps_what_is_in_it(top: Path) -> None:
    file = top / ".git" / "info" / "exclude"
    file.write_bytes(b"mine \xff\r\nno newline")
    repo = opened(top)
    for _ in range(2):
        repo.exclude(".specmill/")
    assert file.read_bytes() == b"mine \xff\r\nno newline\n.specmill/\n"
    shutil.rmtree(file.parent)
    repo.exclude(".specmill/")
    assert file.read_text() == ".specmill/\n"


@pytest.mark.parametrize(
    ("said", "kind", "remedy"),
    [
        ("error: unable to write file x: No space left on device", ProgramMissing, "free some"),
        ("fatal: could not open 'x': Permission denied", ProgramMissing, "writable"),
        ("fatal: detected dubious ownership in '/x'\nhint: no", ProgramMissing, "safe.directory"),
        ("error: object file .git/objects/00/0 is empty", ProgramMissing, "git fsck"),
        ("", ProgramMissing, "git status"),
    ],
)
def test_what_git_says_becomes_a_remedy(said: str, kind: type[Exception], remedy: str) -> None:
    error = failure("x", Answer(128, b"", said))
    assert type(error) is kind
    assert remedy in error.remedy
    assert "hint:" not in error.message


def test_a_damaged_repository(top: Path) -> None:
    repo = opened(top)
    tree = repo.worktree(BRANCH, at(top))
    put(tree.root, "a.sql", "1")
    for path in (top / ".git" / "objects").glob("??/*"):
        path.chmod(0o644)
        path.write_bytes(b"")
    with pytest.raises(ProgramMissing, match=r"git .* failed: "):
        repo.commit(tree, ["a.sql"], "make")
