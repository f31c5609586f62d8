"""Reading what a person handed over: size, kind and encoding are judged before the content."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import NoReturn

from tools.errors import InputError, ProgramMissing, UsageError
from tools.findings import Finding, Location, Severity
from tools.spec.suggest import did_you_mean

MAX_BYTES = 2 * 1024 * 1024
"""The size of a text file that is still read; real specs have some ten thousand bytes."""

_SUFFIXES = (".yaml", ".yml", ".json")


def read_text_file(file: Path, shown: str) -> str:
    """The text of a regular UTF-8 file of at most ``MAX_BYTES``.

    Args:
        file: the file.
        shown: its name for people.

    Raises:
        UsageError: there is no such file, or the path cannot be one.
        InputError: a folder, a device, too large, binary, not UTF-8.
        ProgramMissing: it may not be read.
    """
    return _decode(_read(file, shown), shown)


def refuse_file(shown: str, what: str, hint: str, *, line: int = 0) -> NoReturn:
    """Raise the InputError of a file as a whole."""
    where = Location(shown, line)
    finding = Finding("SPEC-FILE", Severity.ERROR, what, where, hint=hint)
    raise InputError(f"{where}: {what}", hint, (finding,))


def _read(file: Path, shown: str) -> bytes:
    try:
        status = file.stat()
        if stat.S_ISDIR(status.st_mode):
            refuse_file(shown, "is a folder", "name a file in it")
        if not stat.S_ISREG(status.st_mode):
            refuse_file(shown, "is not a regular file", "save it as a file")
        if status.st_size > MAX_BYTES:
            _refuse_size(shown, status.st_size)
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise UsageError(f"no such file: {shown!r}", _similar(file)) from error
    except PermissionError as error:
        remedy = "give yourself read permission on it"
        raise ProgramMissing(f"{shown}: may not be read", remedy) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"{shown!r} cannot be opened: {reason}", "check the path") from error
    if len(content) > MAX_BYTES:
        _refuse_size(shown, len(content))
    return content


def _refuse_size(shown: str, size: int) -> NoReturn:
    limit = f"{MAX_BYTES >> 20} MB"
    what = f"is too large: {size / 1024**2:.1f} MB, the limit is {limit}"
    refuse_file(shown, what, "keep rows in a data file that the spec names with data:")


def _similar(file: Path) -> str:
    try:
        names = sorted(p.name for p in file.parent.iterdir() if p.suffix in _SUFFIXES)
    except (OSError, ValueError):
        return "check the path"
    return did_you_mean(file.name, names) or "check the path"


def _decode(content: bytes, shown: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        refuse_file(shown, "is UTF-16 text", "save it as UTF-8")
    if b"\0" in content:
        refuse_file(shown, "is a binary file", "name a text file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"is not UTF-8 text: byte 0x{content[error.start]:02x}"
        refuse_file(shown, what, "save it as UTF-8", line=line)
