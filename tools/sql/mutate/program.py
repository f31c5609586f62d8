"""What a model runs: one query, or two forms of it with the way in which its rows are loaded.

An incremental model is rendered twice: for an empty table, and for one that stands. In both, the
table that the model makes is called ``this``, whatever its name in the database.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tools.sql.equivalent.scopes import cte_of
from tools.sql.mutate.query import table_name
from tools.sql.parse import Node, SqlError, parse_query

Strategy = Literal["append", "delete+insert", "merge"]
Step = Literal["delete", "update", "insert"]

THIS = "this"


@dataclass(frozen=True)
class Load:
    """How the rows of an incremental form come into the table that stands, as dbt-duckdb does it.

    Args:
        strategy: dbt's name of it.
        unique_key: columns that say which rows are replaced; without them rows are only added.
        predicates: further conditions of what is replaced (``incremental_predicates``).
        post_hooks: statements that run after the load, on ``this``.
        skipped: steps that are left out: a fault, never a setting.
    """

    strategy: Strategy = "append"
    unique_key: tuple[str, ...] = ()
    predicates: tuple[str, ...] = ()
    post_hooks: tuple[str, ...] = ()
    skipped: tuple[Step, ...] = ()

    def lines(self) -> list[str]:
        """The load as lines of text, for a difference."""
        found = [
            f"strategy: {self.strategy}",
            f"unique_key: {', '.join(self.unique_key) or 'none'}",
        ]
        found += [f"predicate: {p}" for p in self.predicates]
        found += [f"post_hook: {h}" for h in self.post_hooks]
        return [*found, *(f"without its {step} step" for step in self.skipped)]


@dataclass(frozen=True)
class Program:
    """What a model runs.

    Args:
        sql: the query; of an incremental model, its form for an empty table.
        incremental: its form for a table that stands; empty for other models.
        load: how the rows of the incremental form come in.
    """

    sql: str
    incremental: str = ""
    load: Load = field(default_factory=Load)

    @property
    def queries(self) -> tuple[str, ...]:
        """Its forms."""
        return (self.sql, self.incremental) if self.incremental else (self.sql,)


def text_of(tree: Node) -> str:
    """A tree as DuckDB text, on one line, without comments."""
    return tree.sql("duckdb", comments=False)


def canonical(sql: str) -> str:
    """A DuckDB query as mutants of it are written: what they are to be compared with.

    Raises:
        SqlError: when it is not one query.
    """
    return text_of(parse_query(sql, "duckdb"))


def program(
    sql: str, incremental: str = "", *, this: str = "", load: Load | None = None
) -> Program:
    """A program of rendered texts, in which the model's own table is called ``this``.

    Args:
        sql: the form for an empty table, DuckDB, without Jinja.
        incremental: the form for a table that stands.
        this: the name of the model's table in the texts, such as ``dev.marts.orders``.
        load: how the rows come in; its hooks and predicates may name the table as well.

    Raises:
        SqlError: a text that is not one query, or a hook that is not one statement.
    """
    given = load or Load()
    hooks = tuple(_statement(h, this) for h in given.post_hooks)
    return Program(
        _form(sql, this),
        _form(incremental, this) if incremental else "",
        replace(given, post_hooks=hooks),
    )


def _form(sql: str, this: str) -> str:
    return _spliced(sql, parse_query(sql, "duckdb"), this)


def _statement(sql: str, this: str) -> str:
    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
    except SqlglotError as error:
        raise SqlError(f"hook cannot be read: {str(error).splitlines()[0]}") from error
    return _spliced(sql, tree, this)


def _spliced(sql: str, tree: Node, this: str) -> str:
    """The text with one relation renamed where it stands, so that its lines stay what they are."""
    wanted = this.replace('"', "").lower()
    spans = []
    for table in tree.find_all(exp.Table):
        if wanted and table_name(table) == wanted:
            metas = [part.meta for part in table.parts]
            spans.append((min(m["start"] for m in metas), max(m["end"] for m in metas)))
    for start, end in sorted(spans, reverse=True):
        sql = sql[:start] + THIS + sql[end + 1 :]
    return sql


def relations_read(sql: str) -> tuple[str, ...]:
    """The relations that a query reads, as it names them (without quotes), CTEs left out.

    Raises:
        SqlError: when it is not one query.
    """
    tree = parse_query(sql, "duckdb")
    found = [
        ".".join(p.name for p in table.parts)
        for table in tree.find_all(exp.Table)
        if isinstance(table.this, exp.Identifier) and cte_of(table) == (None, False)
    ]
    return tuple(dict.fromkeys(found))


def renamed(sql: str, relation: str) -> str:
    """A query in which a relation is called ``this``.

    Args:
        sql: one DuckDB query.
        relation: the name of the relation in it, such as ``dev.marts.orders``.

    Raises:
        SqlError: when it is not one query.
    """
    return _form(sql, relation)


def names_read(sql: str) -> frozenset[str] | None:
    """The names of all columns that a query mentions, lower case; None when a star hides some.

    Raises:
        SqlError: when it is not one query.
    """
    tree = parse_query(sql, "duckdb")
    stars = [s for s in tree.find_all(exp.Star) if not isinstance(s.parent, exp.Count)]
    if stars or tree.find(exp.Columns):
        return None
    using = {n.name for j in tree.find_all(exp.Join) for n in j.args.get("using") or []}
    return frozenset(n.lower() for n in using | {c.name for c in tree.find_all(exp.Column)})
