"""Which files tools may touch, and text files as they are: encoding, byte order mark, line ends."""

from __future__ import annotations

import difflib
import hashlib
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.desk import Desk, ToolError
from tools.errors import SpecmillError, UsageError
from tools.guarded import is_internal, is_secret
from tools.workspace import READ_LIMIT, check_relative, write_atomic


def relative(desk: Desk, path: str) -> str:
    """The path below the root in its one form; ``.`` for the root itself.

    Raises:
        ToolError: it leads out of the root, or to what no tool may see.
    """
    clean = path
    while clean.startswith("./"):
        clean = clean[2:].lstrip("/")
    clean = clean.rstrip("/") if clean != "/" else clean
    if clean in ("", "."):
        return "."
    try:
        check_relative(clean)
    except UsageError as error:
        hint = "Use a path relative to the work tree, such as models/orders.sql."
        raise ToolError(f"{path!r} is not a path inside the work tree. {hint}") from error
    if is_internal(clean) and not _is_output(desk, clean):
        raise ToolError(f"{clean} belongs to git or specmill; no tool reads or writes it.")
    if is_secret(clean):
        raise ToolError(
            f"{clean} may hold secrets; no tool reads or writes it. Ask the person for what you "
            "need of it, without the secret itself."
        )
    return clean


def _is_output(desk: Desk, path: str) -> bool:
    outputs = desk.outputs.relative_to(desk.root).as_posix()
    return path.startswith(f"{outputs}/")


def readable(desk: Desk, path: str) -> Path:
    """The place of a file or folder that may be read.

    Raises:
        ToolError: as for :func:`relative`; or a link leads out; or there is none of that name.
    """
    clean = relative(desk, path)
    why = desk.hides(clean)
    if why:
        raise ToolError(f"{clean} may not be read: {why}")
    root = desk.root.resolve()
    place = (root / clean).resolve()
    if not place.is_relative_to(root):
        raise ToolError(f"{clean} is a link that leads out of the work tree.")
    if place != root / clean:
        return readable(desk, place.relative_to(root).as_posix())
    if not place.exists():
        raise ToolError(f"there is no {clean}.{_near(place)}")
    return place


def _near(place: Path) -> str:
    folder = place.parent
    if not folder.is_dir():
        return " Its folder does not exist either; list_files shows what there is."
    names = [entry.name for entry in folder.iterdir() if not entry.name.startswith(".")]
    found = difflib.get_close_matches(place.name, names, n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(found)}?" if found else ""


def writable(desk: Desk, path: str) -> str:
    """The path, relative to the root, of a file that may be written.

    Raises:
        ToolError: as for :func:`relative`; or this file may not be changed here.
    """
    clean = relative(desk, path)
    if clean == "." or (desk.root / clean).is_dir():
        raise ToolError(f"{clean} is a folder; name a file.")
    if is_internal(clean):
        raise ToolError(f"{clean} is the output of a tool; write somewhere else.")
    why = desk.refuses(clean)
    if why:
        raise ToolError(f"{clean} may not be changed: {why}")
    return clean


@dataclass(frozen=True)
class TextFile:
    """A text file as it is on disk.

    Args:
        text: its characters, line ends as they are, without a byte order mark.
        sha256: of its bytes.
        marked: whether it begins with a byte order mark.
    """

    text: str
    sha256: str
    marked: bool

    @property
    def plain(self) -> str:
        """The text with every line end as LF."""
        return self.text.replace("\r\n", "\n")

    @property
    def line_end(self) -> str:
        """The line end that most of its lines have."""
        windows = self.text.count("\r\n")
        return "\r\n" if windows > self.text.count("\n") - windows else "\n"

    def with_line_ends(self, text: str) -> str:
        """A text with LF line ends, in those of this file."""
        return text.replace("\r\n", "\n").replace("\n", self.line_end)

    def replaced(self, places: Sequence[int], length: int, new: str) -> str:
        """The text with parts of :attr:`plain` replaced; all other line ends stay as they are.

        Args:
            places: where the parts begin, ascending, none in another.
            length: of each part.
            new: what takes its place.
        """
        dropped = [m.start() - n for n, m in enumerate(re.finditer("\r\n", self.text))]
        wish, done, pieces = self.with_line_ends(new), 0, []
        for place in places:
            first, last = (at + bisect_left(dropped, at) for at in (place, place + length))
            pieces += [self.text[done:first], wish]
            done = last
        return "".join([*pieces, self.text[done:]])


def open_text(desk: Desk, path: str) -> TextFile:
    """Reads a text file.

    Raises:
        ToolError: as for :func:`readable`; or it is a folder, too large, or no UTF-8 text.
    """
    place = readable(desk, path)
    if place.is_dir():
        raise ToolError(f"{path} is a folder; list_files shows what is in it.")
    if not place.is_file():
        raise ToolError(f"{path} is no regular file.")
    try:
        with place.open("rb") as handle:
            data = handle.read(READ_LIMIT + 1)
    except OSError as error:
        raise ToolError(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > READ_LIMIT:
        raise ToolError(f"{path} is larger than {READ_LIMIT:,} bytes; search finds parts of it.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ToolError(f"{path} is not UTF-8 text.") from error
    if "\0" in text:
        raise ToolError(f"{path} is not a text file.")
    marked = data.startswith(b"\xef\xbb\xbf")
    return TextFile(text, hashlib.sha256(data).hexdigest(), marked)


def save_text(desk: Desk, path: str, text: str, *, marked: bool = False) -> None:
    """Writes a text file at once or not at all, and notes that the model knows its content.

    Args:
        desk: the desk.
        path: from :func:`writable`.
        text: the characters, line ends as they shall be.
        marked: whether it begins with a byte order mark.

    Raises:
        ToolError: the place cannot be written.
    """
    whole = ("\ufeff" if marked else "") + text
    try:
        write_atomic(desk.root, path, whole)
    except SpecmillError as error:
        raise ToolError(f"{error.message}. {error.remedy}") from error
    desk.seen[path] = hashlib.sha256(whole.encode()).hexdigest()


def expect_seen(desk: Desk, path: str, sha256: str) -> None:
    """Refuses to change a file that the model does not know as it is.

    Raises:
        ToolError: the model never read it, or it has changed since.
    """
    if path not in desk.seen:
        raise ToolError(f"you have not read {path} yet: read_file it first, then change it.")
    if desk.seen[path] != sha256:
        raise ToolError(f"{path} has changed since you read it: read_file it again.")


def unified(path: str, before: str, after: str) -> str:
    """A unified diff for a person to read."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"a/{path}", f"b/{path}", lineterm=""
    )
    return "\n".join(lines)
