"""Data files as DuckDB relations of text, with the line of each row.

Every value arrives as text (or NULL): casting is done later, once, for all formats, so that a
value which does not fit can be named with file, line and column.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.sql.render import identifier, literal

_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Reading:
    """A data file, ready to be selected from.

    Args:
        path: the file.
        columns: column names as the file has them.
        relation: DuckDB SQL whose columns ``c0``, ``c1``, ... are text, in file order.
        line: the line (from 1) on which the n-th row (from 1) starts; 0 when there are no lines.
        sha256: of the content.
    """

    path: Path
    columns: tuple[str, ...]
    relation: str
    line: Callable[[int], int]
    sha256: str


class Unreadable(Exception):
    """A data file that cannot be read; ``line`` is 0 where it has none."""

    def __init__(self, message: str, line: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.hint = hint


def read(
    path: Path,
    declared: Collection[str],
    scratch: Path,
    parquet_columns: Callable[[Path], Sequence[str]],
) -> Reading:
    """Opens a data file by its suffix.

    Args:
        path: a ``.csv``, ``.json`` (an array or one object a line) or ``.parquet`` file.
        declared: the columns that it should have; they decide between delimiters.
        scratch: a folder for files that live as long as the reading.
        parquet_columns: the column names of a Parquet file.

    Raises:
        Unreadable: says where and why.
    """
    try:
        suffix = path.suffix.lower()
        if suffix == ".csv":
            return _read_csv(path, declared)
        if suffix in (".json", ".jsonl", ".ndjson"):
            return _read_json(path, scratch)
        if suffix == ".parquet":
            return _read_parquet(path, parquet_columns(path))
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}") from error
    raise Unreadable(f"is {suffix or 'without a suffix'}: .csv, .json and .parquet are read")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# -- csv --------------------------------------------------------------------------------------


def _read_csv(path: Path, declared: Collection[str]) -> Reading:
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            first = next((line for line in file if line.strip()), "")
        except UnicodeDecodeError as error:
            raise _not_utf8(path) from error
    if not first:
        raise Unreadable("is empty", 1, "its first line has to name the columns")
    delimiter = _delimiter(first, declared)
    columns = tuple(c.strip() for c in next(csv.reader([first], delimiter=delimiter)))
    _expect_names(columns)
    types = ", ".join(f"'c{i}': 'varchar'" for i in range(len(columns)))
    relation = (
        f"read_csv({literal(str(path))}, auto_detect = false, header = true, "
        f"delim = {literal(delimiter)}, quote = '\"', escape = '\"', nullstr = '', "
        f"allow_quoted_nulls = false, columns = {{{types}}})"
    )

    def line(row: int) -> int:
        return _csv_line(path, delimiter, row)

    return Reading(path, columns, relation, line, _sha256(path))


def _delimiter(header: str, declared: Collection[str]) -> str:
    """The delimiter under which the header names most declared columns; a comma if in doubt."""
    names = {d.lower() for d in declared}

    def hits(mark: str) -> int:
        return sum(c.strip().lower() in names for c in next(csv.reader([header], delimiter=mark)))

    return max(_DELIMITERS, key=hits)


def _expect_names(columns: Sequence[str]) -> None:
    lowered = [c.lower() for c in columns]
    for at, name in enumerate(columns):
        if not name:
            raise Unreadable(f"column {at + 1} has no name", 1, "name it in the first line")
        if lowered.index(name.lower()) != at:
            raise Unreadable(f"two columns are called {name!r}", 1, "rename one of them")


def _csv_rows(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows after the header with the line that each starts on; blank lines are no rows."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        header: list[str] = []
        start = 1
        for row in reader:
            if header and (row or len(header) == 1):
                yield start, row
            header = header or row
            start = reader.line_num + 1


def _csv_line(path: Path, delimiter: str, row: int) -> int:
    for count, (line, _) in enumerate(_csv_rows(path, delimiter), start=1):
        if count == row:
            return line
    return 0


def diagnose(reading: Reading) -> Unreadable | None:
    """Why DuckDB refuses a CSV file, in words and with the line; None when nothing is found."""
    if reading.path.suffix.lower() != ".csv":
        return None
    header = reading.path.read_bytes().split(b"\n", 1)[0].decode("utf-8-sig", "replace")
    delimiter = _delimiter(header, reading.columns)
    width = len(reading.columns)
    try:
        for line, row in _csv_rows(reading.path, delimiter):
            if len(row) != width:
                return Unreadable(
                    f"has {len(row)} values where the header names {width} columns",
                    line,
                    "quote values that hold a comma, a quote or a line break",
                )
    except UnicodeDecodeError:
        return _not_utf8(reading.path)
    except csv.Error as error:
        return Unreadable(f"is not CSV: {error}")
    content = reading.path.read_bytes()
    if 0 < content.count(b"\r\n") < content.count(b"\n"):
        return Unreadable("mixes line ends", 0, "save it with one kind of line end")
    return None


def _not_utf8(path: Path) -> Unreadable:
    content = path.read_bytes()
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Unreadable(
            f"is not UTF-8 (byte 0x{content[error.start]:02x})", line, "save as UTF-8"
        )
    return Unreadable("is not UTF-8", 0, "save it as UTF-8")


# -- json -------------------------------------------------------------------------------------


def _read_json(path: Path, scratch: Path) -> Reading:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    if not text.strip():
        raise Unreadable("is empty", 1, "an array of objects, or one object a line, is expected")
    found = list(_json_rows(text))
    for line, row in found:
        if not isinstance(row, dict):
            raise Unreadable("holds something else than objects", line, "one object is one row")
    lines = [line for line, _ in found]
    rows = [row for _, row in found]
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    _expect_names(columns)

    def line_of(row: int) -> int:
        return lines[row - 1]

    return Reading(path, columns, rows_relation(rows, columns, scratch), line_of, _sha256(path))


def _json_rows(text: str) -> Iterator[tuple[int, Any]]:
    """The values of an array, or of one value after the other, with their lines."""
    decoder = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)
    at = len(text) - len(text.lstrip())
    is_array = text[at] == "["
    at += is_array
    line = 1
    counted = 0
    while True:
        at = _skip(text, at, "," if is_array else "")
        line, counted = line + text.count("\n", counted, at), at
        if at >= len(text) and is_array:
            raise Unreadable("is not JSON: the array is not closed", line)
        if at >= len(text) or (is_array and text[at] == "]"):
            return
        try:
            value, end = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError) as error:
            where = error.lineno if isinstance(error, json.JSONDecodeError) else line
            what = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
            raise Unreadable(f"is not JSON: {what}", where) from error
        yield line, value
        at = end


def _skip(text: str, at: int, also: str) -> int:
    while at < len(text) and (text[at].isspace() or text[at] == also):
        at += 1
    return at


def rows_relation(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], scratch: Path) -> str:
    """Rows that are in memory as a relation like a file's, by way of a scratch file."""
    scratch.mkdir(parents=True, exist_ok=True)
    file = scratch / f"rows-{len(list(scratch.iterdir()))}.json"
    with file.open("w", encoding="utf-8") as out:
        for row in rows:
            named = {f"c{i}": text_of(row.get(name)) for i, name in enumerate(columns)}
            out.write(json.dumps(named, ensure_ascii=False) + "\n")
    types = ", ".join(f"'c{i}': 'varchar'" for i in range(len(columns)))
    return (
        f"read_json({literal(str(file))}, format = 'newline_delimited', columns = {{{types}}})"
        if columns
        else "(select 1 where false)"
    )


def text_of(value: Any) -> str | None:
    """A value as the text that is cast later; structures as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


# -- parquet ----------------------------------------------------------------------------------


def _read_parquet(path: Path, columns: Sequence[str]) -> Reading:
    _expect_names(columns)
    texts = ", ".join(f"cast({identifier(c)} as varchar) as c{i}" for i, c in enumerate(columns))
    relation = f"(select {texts} from read_parquet({literal(str(path))}))"
    return Reading(path, tuple(columns), relation, lambda _: 0, _sha256(path))
