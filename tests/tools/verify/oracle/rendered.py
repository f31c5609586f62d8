"""What the compiler writes, run without dbt: Jinja rendered here, tables in a DuckDB in memory.

Covers what generated files use: ref, source, this, config, var, is_incremental, the macros of the
project, tables and views, append and delete+insert, and the post hook.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import duckdb
import jinja2

from tools.generate.base import generate
from tools.layout import change_log_name
from tools.plan import make_plan
from tools.spec.graph import order
from tools.spec.model import Spec
from tools.sql.render import identifier
from tools.verify.dataset import Dataset, Table, kind_of
from tools.verify.oracle.engine import as_text

_MACROS = ("any_changed", "batch_at", "hash_of")


class Rendered:
    """The dbt project of a spec, and a database that it is loaded into again and again.

    Args:
        spec: the spec.
        edit: changes texts, to plant a fault.
    """

    def __init__(self, spec: Spec, edit: Mapping[str, tuple[str, str]] | None = None) -> None:
        self.spec = spec
        self.connection = duckdb.connect(":memory:", config={"threads": 1})
        self.connection.execute("set timezone = 'UTC'")
        self.connection.execute("create schema raw")
        made = generate(make_plan(spec, "0" * 64), spec)
        texts = {a.path.rsplit("/", 1)[-1]: a.content for a in made if a.path.endswith(".sql")}
        self.files = {name.removesuffix(".sql"): text for name, text in texts.items()}
        for name, (old, new) in (edit or {}).items():
            assert old in self.files[name], f"{old!r} is not in {name}:\n{self.files[name]}"
            self.files[name] = self.files[name].replace(old, new)
        self.macros = "".join(self.files[name] for name in _MACROS if name in self.files)
        self.environment = jinja2.Environment()  # noqa: S701 - this is SQL
        self.templates: dict[str, jinja2.Template] = {}
        self.kept: set[str] = set()
        self.made: set[str] = set()

    def close(self) -> None:
        self.connection.close()

    def reset(self) -> None:
        """As if nothing had ever been loaded."""
        for place in self.made:
            self.connection.execute(f"drop table if exists {place}")
        self.made.clear()
        self.kept.clear()

    def load(self, dataset: Dataset, moment: dt.datetime) -> None:
        """Puts the sources in place and runs every model once."""
        for source in self.spec.sources:
            for table in source.tables:
                columns = tuple((c.name, kind_of(c.type, self.spec.dialect)) for c in table.columns)
                rows = dataset.table(f"{source.name}.{table.name}")
                self._fill(f"raw.{identifier(table.name)}", rows or Table(columns))
        own = [m.name for m in order(self.spec)]
        staging = [n for n in self.files if n.startswith("stg_") and n not in own]
        for name in staging:
            self._run(name, moment)
        for model in order(self.spec):
            if model.load.strategy == "scd2":
                self._run(change_log_name(model), moment)
            self._run(model.name, moment)

    def _fill(self, place: str, table: Table) -> None:
        columns = ", ".join(f"{identifier(n)} {kind}" for n, kind in table.columns)
        self.connection.execute(f"create or replace table {place} ({columns})")
        marks = ", ".join("?" for _ in table.columns)
        rows = [[as_text(v) for v in row] for row in table.rows]
        if rows:
            self.connection.executemany(f"insert into {place} values ({marks})", rows)

    def _run(self, name: str, moment: dt.datetime) -> None:
        config: dict[str, Any] = {}
        again = name in self.kept
        place = f'main."{name}"'

        def configure(**values: Any) -> str:
            config.update(values)
            return ""

        names = {
            "ref": lambda model: f'main."{model}"',
            "source": lambda source, table: f"raw.{identifier(table)}",
            "this": place,
            "config": configure,
            "is_incremental": lambda: again,
            "var": lambda key, default=None: moment.isoformat(sep=" "),
            "run_started_at": moment,
        }
        self.made.add(place)
        query = self._template(self.files[name]).render(**names)
        if config["materialized"] != "incremental" or not again:
            self.connection.execute(f"create or replace table {place} as {query}")
        else:
            self.connection.execute(f"create or replace temp table incoming_rows as {query}")
            if config["incremental_strategy"] == "delete+insert":
                keys = ", ".join(config["unique_key"])
                self.connection.execute(
                    f"delete from {place} where ({keys}) in (select ({keys}) from incoming_rows)"
                )
            self.connection.execute(f"insert into {place} by name select * from incoming_rows")
        if "post_hook" in config:
            self.connection.execute(self._template(config["post_hook"]).render(**names))
        if config["materialized"] == "incremental":
            self.kept.add(name)

    def _template(self, text: str) -> jinja2.Template:
        if text not in self.templates:
            self.templates[text] = self.environment.from_string(self.macros + text)
        return self.templates[text]

    def table(self, model: str, leave_out: tuple[str, ...] = ()) -> Table:
        """The rows of a model now."""
        cursor = self.connection.execute(f'select * from main."{model}"')
        names = [d[0] for d in cursor.description or ()]
        kinds = [kind_of(str(d[1])) for d in cursor.description or ()]
        wanted = [i for i, n in enumerate(names) if n not in leave_out]
        rows = tuple(tuple(row[i] for i in wanted) for row in cursor.fetchall())
        return Table(tuple((names[i], kinds[i]) for i in wanted), rows)
