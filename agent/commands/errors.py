"""What every command shares: where it works, how it prints, and how it fails."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from agent.config import Settings
    from agent.terminal.console import Terminal
    from agent.trust import Trusted
    from tools.errors import SpecmillError
    from tools.workspace import Workspace

_MISSING = {
    errno.ENOSPC: "free some disk space and run the same command again",
    errno.EDQUOT: "free some disk space and run the same command again",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EROFS: "the file system is read-only: work in a folder that can be written",
    errno.EACCES: "give yourself permission on it, or work in another folder",
    errno.EPERM: "give yourself permission on it, or work in another folder",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENOMEM: "free some memory and run the same command again",
}
INTERRUPTED = 130


@dataclass
class Session:
    """One call of the command line.

    Args:
        json: whether stdout is to hold JSON and nothing else.
        arguments: the words of the call, for the crash report.
    """

    json: bool = False
    arguments: tuple[str, ...] = ()
    color: bool = True
    verbose: bool = False
    resume_hint: str = ""
    crash_folder: Path | None = field(default=None)

    def enter(self, directory: Path | None) -> None:
        """Changes into the directory of ``-C``.

        Raises:
            UsageError: there is no such directory.
        """
        if directory is None:
            return
        from tools.errors import UsageError

        try:
            os.chdir(directory)
        except FileNotFoundError as error:
            raise UsageError(f"-C: no such folder: {directory}", "create it first") from error
        except NotADirectoryError as error:
            raise UsageError(f"-C: not a folder: {directory}", "name a folder") from error

    @property
    def terminal(self) -> Terminal:
        """The consoles of this call."""
        from agent.terminal.console import Terminal

        return Terminal(color=self.color, quiet=self.json)

    def workspace(self) -> Workspace:
        """The workspace around the current directory."""
        from tools.workspace import find_workspace

        workspace = find_workspace(Path.cwd())
        self.crash_folder = workspace.state
        return workspace

    def settings(self, workspace: Workspace) -> Settings:
        """The settings of a workspace and the environment; says what was ignored of them."""
        return self.trusted(workspace).settings

    def trusted(self, workspace: Workspace) -> Trusted:
        """The settings, and what the repository may not set without the person's consent."""
        from agent.trust import load_trusted

        found = load_trusted(workspace.root, os.environ)
        if found.says:
            click.echo(f"note: {found.says}", err=True)
        return found

    def require_service(self, trusted: Trusted) -> None:
        """Stops where an ignored address of the service would go unnoticed.

        Raises:
            WaitsForPerson: nobody is at a terminal, and the repository names another service.
        """
        if not sys.stderr.isatty():
            trusted.require_service()

    def emit(self, document: Any) -> None:
        """Prints a JSON document on stdout."""
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))

    def emit_line(self, event: dict[str, Any]) -> None:
        """Prints an event as one line of JSON on stdout, at once."""
        click.echo(json.dumps(event, ensure_ascii=False))
        sys.stdout.flush()

    def say(self, error: SpecmillError) -> int:
        """Prints a failure that a person can act on; returns its exit code."""
        return say(self, error)


def exit_code_of(session: Session, call: Callable[[], Any]) -> int:
    """Calls; says what went wrong, if anything did; returns the exit code."""
    from tools.errors import SpecmillError

    try:
        with _terminable():
            result = call()
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        return _usage(session, error)
    except SpecmillError as error:
        return say(session, error)
    except (KeyboardInterrupt, click.Abort):
        return _interrupted(session)
    except OSError as error:
        if error.errno in _MISSING:
            return say(session, _missing(error))
        return _crashed(session, error)
    except Exception as error:  # noqa: BLE001 - the last line of defence: anything else is a bug
        return _crashed(session, error)


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends like Ctrl-C: the run is left in a state from which it resumes."""

    def stop(_signal: int, _frame: Any) -> NoReturn:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _usage(session: Session, error: click.ClickException) -> int:
    if session.json:
        message = {"message": error.format_message(), "remedy": "see --help", "findings": []}
        session.emit({"ok": False, "exit_code": error.exit_code, "error": message})
    error.show()
    return error.exit_code


def _missing(error: OSError) -> SpecmillError:
    from tools.errors import ProgramMissing

    where = f"{error.filename}: " if error.filename else ""
    return ProgramMissing(f"{where}{error.strerror}", _MISSING[error.errno or 0])


def say(session: Session, error: SpecmillError) -> int:
    """Prints a failure that a person can act on: message, findings, remedy."""
    from agent.terminal.console import Terminal
    from agent.terminal.errors import print_error

    findings = tuple(getattr(error, "findings", ()))
    if session.json:
        body = {
            "message": error.message,
            "remedy": error.remedy,
            "findings": [finding.to_json() for finding in findings],
        }
        session.emit({"ok": False, "exit_code": error.exit_code, "error": body})
    print_error(Terminal(color=session.color).err, error.message, error.remedy, findings)
    return int(error.exit_code)


def _interrupted(session: Session) -> int:
    hint = f"; resume with: {session.resume_hint}" if session.resume_hint else ""
    click.echo(f"\ninterrupted{hint}", err=True)
    if session.json:
        session.emit_line({"event": "interrupted", "resume": session.resume_hint})
    return INTERRUPTED


def _crashed(session: Session, error: BaseException) -> int:
    from agent.commands.crash import write_crash
    from tools.errors import InternalError

    file = write_crash(session.crash_folder, session.arguments, error)
    kind = type(error).__name__
    return say(
        session,
        InternalError(
            f"a bug of specmill ({kind}); it is not your fault",
            f"please report it with {file}" if file else "please report it",
        ),
    )
