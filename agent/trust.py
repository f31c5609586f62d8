"""Consent to what a repository's ``specmill.toml`` may not decide by itself.

Whoever wrote a repository wrote its ``specmill.toml``. An address for the model's service, another
provider, rules that allow things unasked and a higher spending cap count only once the person has
consented to exactly these values for exactly this folder. The consent lies with the person, never
in the repository, and a changed value voids it.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.config import FILE, Settings, combined, from_environment, read_file
from tools.errors import ProgramMissing, UsageError, WaitsForPerson

_FILE = "trust.json"
_LIMIT = 1024 * 1024
_SERVICE = frozenset({"base_url", "provider"})


@dataclass(frozen=True)
class Trusted:
    """Settings that may be acted on.

    Args:
        settings: without what was ignored.
        ignored: values of ``specmill.toml`` that would count with consent, by key.
        why: why a consent that may exist was not looked at; empty otherwise.
    """

    settings: Settings
    ignored: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""

    @property
    def says(self) -> str:
        """What was ignored, in one line; empty if nothing was."""
        if not self.ignored:
            return ""
        keys = ", ".join(self.ignored)
        reason = f" ({self.why})" if self.why else ""
        return f"{FILE} sets {keys}; ignored without your consent{reason}: specmill trust --show"

    def require_service(self) -> None:
        """Stops where nobody is there to notice that the service is not the repository's.

        Raises:
            WaitsForPerson: its address or its provider was ignored.
        """
        keys = ", ".join(key for key in self.ignored if key in _SERVICE)
        if keys:
            raise WaitsForPerson(
                f"{FILE} sets {keys}, and nobody has consented to it",
                "consent with: specmill trust; or set SPECMILL_BASE_URL and SPECMILL_PROVIDER "
                "yourself, which need no consent",
            )


def load_trusted(root: Path, environ: Mapping[str, str]) -> Trusted:
    """The settings of a workspace, with what the person consented to.

    What the environment sets is the person's own and wins over the file.

    Raises:
        InputError: ``specmill.toml`` or a variable is wrong.
    """
    file = read_file(root)
    guarded = file.guarded
    if not guarded:
        return Trusted(combined(file.values, environ))
    book = ConsentBook.of(root, environ)
    known, why = book.knows(root, guarded)
    if known:
        return Trusted(combined(file.values, environ))
    mine = from_environment(environ)
    ignored = {key: value for key, value in guarded.items() if key not in mine}
    return Trusted(combined(file.unguarded, environ), ignored, why)


def digest_of(guarded: Mapping[str, Any]) -> str:
    """SHA-256 of exactly these values."""
    text = json.dumps(dict(guarded), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class ConsentBook:
    """The person's own file of consents, by folder.

    Args:
        folder: the person's state folder of specmill.
        unusable: why nothing in it can be believed for the repository at hand; empty otherwise.
    """

    folder: Path
    unusable: str = ""

    @staticmethod
    def of(root: Path, environ: Mapping[str, str]) -> ConsentBook:
        """The book of the person, as seen from a workspace.

        A state folder inside the repository would let the repository bring its own consents.
        """
        folder = _state_folder(environ)
        if folder is None:
            return ConsentBook(Path(), "HOME is not set, so there is no place for consents")
        place = folder.resolve()
        if any(place.is_relative_to(top) for top in _tops(root)):
            why = f"{folder} lies in the repository; set XDG_STATE_HOME to a folder outside"
            return ConsentBook(folder, why)
        return ConsentBook(folder)

    @property
    def file(self) -> Path:
        """Where it is; it may not exist."""
        return self.folder / _FILE

    def knows(self, root: Path, guarded: Mapping[str, Any]) -> tuple[bool, str]:
        """Whether the person consented to these values here; and why that cannot be told."""
        if self.unusable:
            return False, self.unusable
        try:
            entry = self._read().get(str(root.resolve()), {})
        except _Unbelievable as error:
            return False, str(error)
        return entry.get("sha256") == digest_of(guarded), ""

    def record(self, root: Path, guarded: Mapping[str, Any], now: datetime) -> None:
        """Notes the consent to these values, in place of an older one for the same folder.

        Raises:
            UsageError: the folder for it lies in the repository, or the file is not the person's.
            ProgramMissing: it cannot be written.
        """
        entry = {"sha256": digest_of(guarded), "when": now.isoformat(timespec="seconds")}
        self._change(root, entry)

    def revoke(self, root: Path) -> bool:
        """Takes the consent back; whether there was one.

        Raises:
            UsageError: see :meth:`record`.
            ProgramMissing: it cannot be written.
        """
        if not self.unusable and not self.file.exists():
            return False
        return self._change(root, None)

    def _change(self, root: Path, entry: dict[str, str] | None) -> bool:
        if self.unusable:
            raise UsageError(f"a consent cannot be kept: {self.unusable}", "Then run again.")
        try:
            book = self._read()
            before = book.pop(str(root.resolve()), None)
            if entry:
                book[str(root.resolve())] = entry
            if entry or before:
                self._write(book)
        except _Unbelievable as error:
            raise UsageError(str(error), f"look at {self.file}, and remove it") from error
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            message = f"cannot write {self.file}: {reason}"
            raise ProgramMissing(message, "check the permissions of that folder") from error
        return before is not None

    def _read(self) -> dict[str, dict[str, str]]:
        """The entries; a file that others could have written is not believed."""
        try:
            handle = os.open(self.file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            return {}
        except OSError as error:  # a symbolic link among them
            reason = (error.strerror or str(error)).lower()
            raise _Unbelievable(f"{self.file} cannot be read: {reason}") from error
        try:
            data = self._checked(handle)
        finally:
            os.close(handle)
        try:
            book = json.loads(data)
            return {str(key): dict(value) for key, value in book.items()}
        except (ValueError, TypeError, AttributeError) as error:
            raise _Unbelievable(f"{self.file} does not hold consents") from error

    def _checked(self, handle: int) -> bytes:
        status = os.fstat(handle)
        for path, found in ((self.file, status), (self.folder, self.folder.stat())):
            if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise _Unbelievable(f"{path} can be written by others than you")
        if not stat.S_ISREG(status.st_mode):
            raise _Unbelievable(f"{self.file} is not a file")
        return os.read(handle, _LIMIT)

    def _write(self, book: Mapping[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self.file.with_name(f".{_FILE}.{os.getpid()}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with suppress(FileNotFoundError):
            fresh.unlink()
        with os.fdopen(os.open(fresh, flags, 0o600), "w", encoding="utf-8") as handle:
            handle.write(json.dumps(book, indent=2, sort_keys=True) + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        fresh.replace(self.file)


class _Unbelievable(Exception):
    """The file of consents may not be the person's own."""


def _state_folder(environ: Mapping[str, str]) -> Path | None:
    """``$XDG_STATE_HOME/specmill``; as the standard has it, a relative path does not count."""
    given = Path(environ.get("XDG_STATE_HOME") or ".")
    if given.is_absolute():
        return given / "specmill"
    home = Path(environ.get("HOME") or ".")
    return home / ".local" / "state" / "specmill" if home.is_absolute() else None


def _tops(root: Path) -> list[Path]:
    """The workspace's folder and the top of the checkout that it belongs to.

    A checkout further out (a home folder kept in git) is not where the settings came from.
    """
    place = root.resolve()
    around = (folder for folder in (place, *place.parents) if (folder / ".git").exists())
    return [place, *([top] if (top := next(around, None)) else [])]
