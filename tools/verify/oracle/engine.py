"""The values of expressions: the only part of the oracle that asks a database.

A connection is never shared with the code under proof. It holds no tables, reaches no files and
no network; rows travel with each question as text and are cast to their types.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import duckdb

from tools.errors import InputError
from tools.sql.analyse import columns_in
from tools.sql.parse import Node, SqlError
from tools.sql.render import render
from tools.verify import memory
from tools.verify.dataset import Row, kind_of

DEFAULT_SECONDS = 10.0
_MOST_TEXTS = 4096
_GLANCE = 0.05  # seconds between two looks at the clock
_SETTINGS = (
    "set timezone = 'UTC'",
    "set autoinstall_known_extensions = false",
    "set enable_external_access = false",
    "set lock_configuration = true",
)


def _watch(engine: weakref.ref[Engine]) -> None:
    """Looks at the clock for an engine until it is closed or forgotten.

    One thread for all questions: one for each would cost more than most questions do.
    """
    while True:
        time.sleep(_GLANCE)
        found = engine()
        if found is None or not found.stop_if_late():
            return
        del found


class CannotEvaluate(InputError):
    """What the spec says has no value for these rows: a cast fails, a number is too large."""


def column_name(index: int) -> str:
    """What the value at an index is called in expressions that the engine is given."""
    return f"c{index}"


class Engine:
    """Evaluates expressions over rows; a context manager.

    Args:
        seconds: how long one question may take.
    """

    def __init__(self, seconds: float = DEFAULT_SECONDS) -> None:
        self._seconds = seconds
        self._deadline = 0.0  # of the question that is being asked; 0 while there is none
        self._lock = threading.Lock()
        self._closed = False
        self._texts: dict[int, tuple[Node, str]] = {}
        self._connection = duckdb.connect(":memory:", config=memory.CONFIG)
        for setting in _SETTINGS:
            self._connection.execute(setting)
        threading.Thread(target=_watch, args=(weakref.ref(self),), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        with self._lock:
            self._closed = True
            self._connection.close()

    def stop_if_late(self) -> bool:
        """Interrupts a question that takes too long; False once the engine is closed."""
        with self._lock:
            if self._closed:
                return False
            if self._deadline and time.monotonic() > self._deadline:
                self._connection.interrupt()
            return True

    def scalars(
        self,
        kinds: Sequence[str],
        rows: Sequence[Row],
        expressions: Sequence[str | Node],
        read: str,
    ) -> tuple[list[Row], list[str]]:
        """The values of expressions for each row.

        Args:
            kinds: DuckDB types of the values of a row.
            rows: the rows.
            expressions: over :func:`column_name`; trees, or text that is DuckDB's.
            read: the dialect that trees were parsed from.

        Returns:
            for each row the values of the expressions, and their DuckDB types.

        Raises:
            CannotEvaluate: an expression has no value for some row.
        """
        texts = [self._text(e, read) for e in expressions]
        needed = _needed(expressions, len(kinds))
        relation, values = _relation("n", kinds, rows, needed)
        items = ", ".join(["r.n", *texts])
        found, types = self._ask(
            f"with r as ({relation}) select {items} from r order by r.n", values
        )
        return [row[1:] for row in found], types[1:]

    def grouped(
        self,
        kinds: Sequence[str],
        rows: Sequence[Row],
        groups: Sequence[int],
        expressions: Sequence[str | Node],
        read: str,
    ) -> tuple[dict[int, Row], list[str]]:
        """The values of aggregate expressions for each group of rows.

        Args:
            kinds: DuckDB types of the values of a row.
            rows: the rows.
            groups: the number of the group of each row.
            expressions: aggregates over :func:`column_name`.
            read: the dialect that trees were parsed from.

        Returns:
            values by group number, and their types.

        Raises:
            CannotEvaluate: an expression has no value for some group.
        """
        texts = [self._text(e, read) for e in expressions]
        needed = [*_needed(expressions, len(kinds)), len(kinds)]
        numbered = [(*row, group) for row, group in zip(rows, groups, strict=True)]
        relation, values = _relation("n", [*kinds, "integer"], numbered, needed)
        group = column_name(len(kinds))
        items = ", ".join([f"r.{group}", *texts])
        ordered = f"select * from ({relation}) order by n"
        query = f"with r as materialized ({ordered}) select {items} from r group by r.{group}"
        found, types = self._ask(query, values)
        return {row[0]: row[1:] for row in found}, types[1:]

    def aggregated(
        self,
        kinds: Sequence[str],
        rows: Sequence[Row],
        expressions: Sequence[str | Node],
        read: str,
    ) -> tuple[Row, list[str]]:
        """The values of aggregate expressions over all rows, also when there is none."""
        texts = [self._text(e, read) for e in expressions]
        relation, values = _relation("n", kinds, rows, _needed(expressions, len(kinds)))
        found, types = self._ask(f"with r as ({relation}) select {', '.join(texts)} from r", values)
        return found[0], types

    def pairs(
        self,
        left: tuple[Sequence[str], Sequence[Row]],
        right: tuple[Sequence[str], Sequence[Row]],
        predicate: Node,
        read: str,
    ) -> list[tuple[int, int]]:
        """The indexes of the pairs of rows for which a predicate is true, in order.

        Args:
            left: types and rows; the predicate calls its values ``c0``, ``c1``...
            right: types and rows; its values are counted on from those of the left.
            predicate: a condition over both.
            read: the dialect that it was parsed from.
        """
        count = len(left[0])
        needed = _needed([predicate], count + len(right[0]))
        one, first = _relation("ln", *left, [i for i in needed if i < count])
        others = [i - count for i in needed if i >= count]
        two, second = _relation("rn", *right, others, named_from=count, bound=len(first))
        query = (
            f"with l as ({one}), r as ({two}) select ln, rn from l cross join r "
            f"where {self._text(predicate, read)} order by ln, rn"
        )
        return [(int(a), int(b)) for a, b in self._ask(query, [*first, *second])[0]]

    def cast(self, values: Sequence[Any], kind: str) -> list[Any]:
        """Values as they are in a type."""
        return [row[0] for row in self.scalars([kind], [(v,) for v in values], ["c0"], "duckdb")[0]]

    def _text(self, expression: str | Node, read: str) -> str:
        """An expression as DuckDB reads it; trees that come again are written once."""
        if isinstance(expression, str):
            return expression
        known = self._texts.get(id(expression))
        if known is not None:
            return known[1]
        if len(self._texts) > _MOST_TEXTS:
            self._texts.clear()
        try:
            text = render(expression, "duckdb", read=read)
        except SqlError as error:
            raise CannotEvaluate(error.message, f"write it in {read}") from error
        self._texts[id(expression)] = (expression, text)  # kept, so that its id stays its own
        return text

    def _ask(self, query: str, values: Sequence[Any]) -> tuple[list[Row], list[str]]:
        self._deadline = time.monotonic() + self._seconds
        try:
            with memory.limited():
                cursor = self._connection.execute(query, list(values))
                types = [_kind(str(d[1])) for d in cursor.description or ()]
                return cursor.fetchall(), types
        except duckdb.InterruptException as error:
            message = f"an expression takes more than {self._seconds:g} seconds"
            raise CannotEvaluate(message, "write it so that it ends sooner") from error
        except (duckdb.OutOfMemoryException, MemoryError) as error:
            message = f"an expression takes more memory than {memory.shown()}"
            raise CannotEvaluate(message, "write it so that it needs less") from error
        except duckdb.Error as error:
            raise CannotEvaluate(
                f"DuckDB: {_first_line(error)}", "make the expression hold for such values"
            ) from error
        finally:
            with self._lock:
                self._deadline = 0.0


def _needed(expressions: Sequence[str | Node], count: int) -> list[int]:
    """The columns that expressions name; all when one of them is only text."""
    trees = [e for e in expressions if not isinstance(e, str)]
    if len(trees) < len(expressions):
        return list(range(count))
    names = {ref.name for tree in trees for ref in columns_in(tree)}
    return [i for i in range(count) if column_name(i) in names]


def _relation(
    number: str,
    kinds: Sequence[str],
    rows: Sequence[Row],
    needed: Sequence[int],
    *,
    named_from: int = 0,
    bound: int = 0,
) -> tuple[str, list[list[str | None]]]:
    """A select that gives rows with their numbers, and the values that it is asked with."""
    columns: list[list[str | None]] = [[str(i) for i in range(len(rows))]]
    items = [f"cast(unnest(${bound + 1}::varchar[]) as integer) as {number}"]
    for index in needed:
        columns.append([as_text(row[index]) for row in rows])
        place = f"unnest(${bound + len(columns)}::varchar[])"
        value = place if kinds[index] == "varchar" else f"cast({place} as {kinds[index]})"
        items.append(f"{value} as {column_name(named_from + index)}")
    return f"select {', '.join(items)}", columns


def as_text(value: Any) -> str | None:
    """A value as text that DuckDB casts back to the same value."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return f"{value.days} days {value.seconds} seconds {value.microseconds} microseconds"
    if isinstance(value, bytes):
        return "".join(f"\\x{byte:02X}" for byte in value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join("NULL" if v is None else _quoted(v) for v in value) + "]"
    if isinstance(value, dict):
        pairs = (f"{_quoted(k)}: {'NULL' if v is None else _quoted(v)}" for k, v in value.items())
        return "{" + ", ".join(pairs) + "}"
    return str(value)


def _quoted(value: Any) -> str:
    text = as_text(value) or ""
    if isinstance(value, list | tuple | dict):
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _kind(text: str) -> str:
    """The name of a type, as the rest of specmill writes it."""
    try:
        return kind_of(text)
    except SqlError:
        return text.lower()


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), "no reason given")
