"""Programs in a cage of bubblewrap: a read-only system, one writable folder, no network, no home.

Where the machine has no bubblewrap, or does not let it work, the program runs with a scrubbed
environment only, and whoever shows its result has to say so: :func:`why_not` tells the reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tools import shell

_BASE = (
    "--unshare-all",
    "--die-with-parent",
    "--new-session",
    *("--cap-drop", "ALL"),
    *("--ro-bind", "/", "/"),
    *("--dev", "/dev"),
    *("--proc", "/proc"),
)
_EMPTIED = ("/home", "/root", "/run", "/tmp", "/var/tmp", "/media", "/mnt")  # noqa: S108  hidden
_MASKED = ("/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/krb5.keytab")
_NO_NETWORK = tuple(
    name
    for scheme in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    for name in (scheme, scheme.lower())
)
_PAGERS = {"PAGER": "cat", "GIT_PAGER": "cat"}


@dataclass(frozen=True)
class Cage:
    """What a program may do.

    Args:
        root: the folder it runs in, and may write.
        frozen: files and folders inside of the root that it may only read.
        writable: other folders that it may write.
        masked: files and folders inside of the root that it sees empty.
        readable: folders that it needs and that would be hidden, such as a home's ``.dbt``.
    """

    root: Path
    frozen: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    masked: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()


@lru_cache(maxsize=1)
def why_not() -> str:
    """Why programs are not confined on this machine; empty if they are."""
    program = shutil.which("bwrap")
    if program is None:
        return "bubblewrap (bwrap) is not installed"
    try:
        tried = subprocess.run(
            [program, *_BASE, "true"], capture_output=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not work here: {error}"
    if tried.returncode != 0:
        said = tried.stderr.decode("utf-8", "replace").strip().splitlines()
        return f"bubblewrap does not work here: {said[-1] if said else 'it says nothing'}"
    return ""


def caged(argv: Sequence[str], cage: Cage) -> list[str]:
    """The argument list that runs a program in its cage; as it is where there is none."""
    if why_not():
        return list(argv)
    places = [*_system(cage), *_tree(cage)]
    unset = [part for name in _NO_NETWORK for part in ("--unsetenv", name)]
    root = str(cage.root.resolve())
    return [str(shutil.which("bwrap")), *_BASE, *places, *unset, "--chdir", root, "--", *argv]


def _system(cage: Cage) -> list[str]:
    """What is hidden of the system, and what is shown of that again."""
    emptied = _emptied()
    needed = (*_needed(), *(place.resolve() for place in cage.readable))
    shown = [p for p in needed if p.exists() and any(p.is_relative_to(e) for e in emptied)]
    masked = [name for name in _MASKED if Path(name).exists()]
    return [
        *(part for place in emptied for part in ("--tmpfs", str(place))),
        *(part for place in shown for part in ("--ro-bind", str(place), str(place))),
        *(part for name in masked for part in ("--ro-bind", os.devnull, name)),
    ]


def _tree(cage: Cage) -> list[str]:
    """The folders that are written, less what is frozen or masked in them; the later one counts."""
    writable = [place.resolve() for place in cage.writable if place.exists()]
    frozen = [p for p in cage.frozen if p.exists() and not p.is_symlink()]
    parts: list[str] = []
    for place in (cage.root.resolve(), *writable):
        parts += ["--bind", str(place), str(place)]
    for place in frozen:
        parts += ["--ro-bind", str(place), str(place)]
    for place in writable:  # again: it may lie inside of what is frozen
        parts += ["--bind", str(place), str(place)]
    for place in (p for p in cage.masked if not p.is_symlink()):
        empty = ["--tmpfs"] if place.is_dir() else ["--ro-bind", os.devnull]
        parts += [*empty, str(place)]
    return parts


def run(
    argv: Sequence[str],
    cage: Cage,
    *,
    timeout: float,
    stdin: str | None = None,
    cancel: threading.Event | None = None,
) -> shell.Completed:
    """Runs a program in its cage, to its end or the end of its time; see :func:`tools.shell.run`.

    Raises:
        ProgramMissing: there is no such program.
    """
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    # Emptied, too: the environment of bubblewrap itself can be read by what it runs.
    emptied = dict.fromkeys(_NO_NETWORK, "")
    env = {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1", "TERM": "dumb", **_PAGERS, **emptied}
    program = caged(argv, cage)
    return shell.run(program, cwd=cage.root, timeout=timeout, env=env, input=stdin, cancel=cancel)


def _emptied() -> list[Path]:
    """The folders that are hidden, none of them inside of another."""
    found = {Path(name).resolve() for name in _EMPTIED} | {Path.home().resolve()}
    there = sorted(p for p in found if p.is_dir() and p != Path("/"))
    return [p for p in there if not any(p != q and p.is_relative_to(q) for q in there)]


def _needed() -> list[Path]:
    """What programs are made of, where that lies in a home: Python, and what is on the PATH."""
    ours = [Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parents[1]]
    on_path = [Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    every = [place for path in (*ours, *on_path) for place in (path, path.resolve())]
    return list(dict.fromkeys(place for place in every if place.is_absolute() and place.is_dir()))
