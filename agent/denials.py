"""What no rule and no mode allows: commands that destroy work or slip past checks; pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from tools.commands import Command, Commands
from tools.guarded import is_internal, is_secret

_GIT_WITH_VALUE = frozenset(
    {"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env"}
)
_RUNS_PROGRAMS = re.compile(
    r"alias\.|include|.*(hookspath|command|pager|editor|fsmonitor|external|helper|askpass|program"
    r"|textconv|filter|proxy|driver|clean|smudge|process)",
    re.IGNORECASE,
)
_VALUED = {"commit": "mFCct", "push": "o", "checkout": "bB"}
"""The one-letter options whose value may be the next word."""
_SKIPS_HOOKS = re.compile(r"(SKIP|HUSKY|HUSKY_SKIP_HOOKS|LEFTHOOK|GIT_CONFIG\w*)=")
_READERS = frozenset("ls cat grep rg find head tail wc diff stat du tree file less".split())
_HARMLESS = ("/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/tmp")  # noqa: S108  named, not used
_NEEDS_HISTORY = "the history belongs to the people"


_CHANGERS = frozenset(
    "rm mv cp tee sed perl truncate dd ln touch chmod install rsync patch ed ex unlink".split()
)
_GIT_CHANGERS = frozenset({"checkout", "restore", "rm", "mv"})


def changed(found: Commands) -> Iterator[str]:
    """The files of the tree that a shell text would change, as far as they can be seen in it."""
    yield from (path for path in found.writes if not path.startswith("/"))
    for command in found.commands:
        for at, word in enumerate(command.words):
            name = PurePosixPath(word).name
            follows = command.words[at + 1 :]
            if name in _CHANGERS or (name == "git" and _GIT_CHANGERS & set(follows)):
                paths = (path for part in follows for path in _paths(part))
                yield from (path for path in paths if path and not path.startswith(("/", "-")))
                break


def moved(found: Commands) -> bool:
    """Whether a shell text changes the folder, so that a relative path is not what it seems."""
    return any(command.words[0] in ("cd", "pushd", "popd") for command in found.commands)


def denied(found: Commands, root: Path) -> str:
    """Why a shell text must not run, whoever allows it; empty if it may be decided upon.

    Args:
        found: the text, parsed.
        root: the folder that tools are confined to.
    """
    moves = moved(found)
    for command in found.commands:
        why = _git(command, found.assigned) or _places(command, root, moves=moves)
        if why:
            return why
    for target in (*found.writes, *found.reads):
        why = _outside(target, root, moves=moves) or _held_back(target)
        if why:
            return why
    return ""


def _git(command: Command, assigned: Sequence[str]) -> str:
    """Looks at every word that may be the program: behind ``env``, ``xargs``, ``timeout`` too."""
    for at, word in enumerate(command.words):
        if PurePosixPath(word).name == "git":
            before = (*assigned, *command.assigned, *command.words[:at])
            why = _git_words(command.words[at + 1 :], before)
            if why:
                return why
    return ""


def _git_words(words: Sequence[str], before: Sequence[str]) -> str:
    at = 0
    while at < len(words) and words[at].startswith("-"):
        name, _, value = words[at].partition("=")
        if name in _GIT_WITH_VALUE and not value:
            value = words[at + 1] if at + 1 < len(words) else ""
            at += 1
        if name in ("-c", "--config-env") and _RUNS_PROGRAMS.match(value):
            return "git -c may not set what programs git runs"
        at += 1
    if at >= len(words):
        return ""
    name, rest = words[at], tuple(words[at + 1 :])
    if name == "commit" and any(_SKIPS_HOOKS.match(word) for word in before):
        return "a commit may not skip the repository's checks"
    return _git_command(name, rest)


def _git_command(name: str, words: tuple[str, ...]) -> str:
    rest = _options(words, _VALUED.get(name, ""))
    if any(_abbreviates(word, "--no-verify", 6) for word in rest) or (
        name == "commit" and "n" in _flags(rest, "mFCctuS")
    ):
        return "git --no-verify skips the repository's checks"
    if name == "reset" and any(_abbreviates(word, "--hard", 4) for word in rest):
        return "git reset --hard throws work away; undo gives back what tools changed"
    if name == "clean":
        return "git clean deletes files that git does not know"
    if name == "push" and _forces(rest, words):
        return "a forced push rewrites what others have"
    if name in ("filter-branch", "filter-repo", "update-ref", "symbolic-ref", "replace", "hook"):
        return f"git {name}: {_NEEDS_HISTORY}"
    if name == "reflog" and {"expire", "delete", "drop"} & set(words):
        return f"git reflog: {_NEEDS_HISTORY}"
    if name == "checkout" and ("f" in _flags(rest, "bB") or "--force" in rest):
        return "git checkout --force throws work away"
    if name == "config" and any(
        _RUNS_PROGRAMS.match(word) or word in ("--global", "--system", "--edit", "-e")
        for word in words
    ):
        return "git config may not set what programs git runs, nor the person's own settings"
    return ""


def _forces(options: Sequence[str], words: Sequence[str]) -> bool:
    if {"f", "d"} & _flags(options, "o") or any(word.startswith(("+", ":")) for word in words):
        return True
    names = ("--force", "--mirror", "--delete", "--prune")
    return any(o.startswith("--fo") or any(_abbreviates(o, n, 4) for n in names) for o in options)


def _options(words: Sequence[str], valued: str) -> tuple[str, ...]:
    """The options among words, without what is the value of one."""
    found: list[str] = []
    value_follows = False
    for word in words:
        if value_follows:
            value_follows = False
        elif word == "--":
            break
        elif word.startswith("-"):
            found.append(word)
            letters = word[1:] if re.match(r"-[A-Za-z]", word) else ""
            at = next((n for n, letter in enumerate(letters) if letter in valued), -1)
            value_follows = at >= 0 and at == len(letters) - 1
    return tuple(found)


def _abbreviates(word: str, option: str, shortest: int) -> bool:
    """Whether a word is a long option, or so much of its beginning as git takes for it."""
    name = word.partition("=")[0]
    return len(name) >= shortest and option.startswith(name)


def _flags(options: Sequence[str], valued: str) -> set[str]:
    """The one-letter options; what follows a letter with a value is none."""
    found: set[str] = set()
    for word in options:
        if re.match(r"-[A-Za-z]", word):
            for letter in word[1:]:
                found.add(letter)
                if letter in valued:
                    break
    return found


def _places(command: Command, root: Path, *, moves: bool) -> str:
    """Paths among the words of a command that lead where no tool goes."""
    reads_only = PurePosixPath(command.words[0]).name in _READERS
    for word in (*command.words[1:], *command.assigned):
        for path in _paths(word):
            why = _outside(path, root, moves=moves)
            if not why and (not reads_only or is_secret(path)):
                why = _held_back(path)
            if why:
                return why
    return ""


def _paths(word: str) -> Iterator[str]:
    """What of a word may be a path: all of it, and what stands behind ``=``, ``@``, ``:``."""
    yield word
    yield from re.split(r"[=@:,]", word)[1:]
    if re.match(r"-[A-Za-z][/~.]", word):
        yield word[2:]


def _outside(path: str, root: Path, *, moves: bool) -> str:
    said = f"{path} lies outside of the work tree"
    if path.startswith("~"):
        return said
    if path.startswith("/"):
        clean = posixpath.normpath(path)
        inside = any(clean == base or clean.startswith(f"{base}/") for base in _HARMLESS)
        first = Path("/", *PurePosixPath(clean).parts[1:2])
        real = (
            len(PurePosixPath(clean).parts) > 1 and first.exists()
        )  # else a pattern, such as /x/d
        return said if real and not inside and not PurePosixPath(clean).is_relative_to(root) else ""
    parts = PurePosixPath(path).parts
    if ".." in parts and (moves or posixpath.normpath(path).startswith("..")):
        return said
    return ""


def _held_back(path: str) -> str:
    if is_internal(path):
        return f"{path} belongs to git or specmill"
    if is_secret(path):
        return f"{path} may hold secrets"
    return ""
