"""The models of a project as SQL that runs without dbt: rendered by dbt itself, in both forms.

An incremental model is compiled twice: as for an empty place, and as for a table that stands.
The moment of a load is rendered as a call of :data:`MOMENT_MACRO`, so that loads can be repeated
at any moment without dbt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from tools.spec.model import Spec
from tools.sql.analyse import nondeterministic_functions
from tools.sql.mutate.program import Load, Strategy
from tools.sql.parse import SqlError, parse_query
from tools.verify.build import selection
from tools.verify.proof.declared import (
    ShippedTest,
    ShippedUnitTest,
    data_test_of,
    unit_test_of,
)
from tools.verify.replies import DbtRun
from tools.verify.worker import DbtWorker

MOMENT_MACRO: Final = "specmill_batch_at"
"""A DuckDB macro without arguments: the moment of the load that runs."""

HASH_MACRO: Final = "specmill_hash_of"
"""A DuckDB macro over columns: what the project's macro ``hash_of`` gives for them.

Its expansion is folded back, because a fault in it is one fault, however often it is expanded.
"""

_MOMENT: Final = "2999-12-31 23:59:59.123457"  # stands for the moment in what dbt renders
_AS_TIMESTAMP: Final = re.compile(rf"cast\(\s*'{re.escape(_MOMENT)}'\s+as\s+timestamp\s*\)", re.I)
_CALL: Final = re.compile(r"\{\{\s*(ref|source|this)\s*(?:\(\s*([^)]*?)\s*\))?\s*\}\}")
_ITEM: Final = (
    r"coalesce\(\s*cast\(length\(cast\(([\w.\"]+) as varchar\)\) as varchar\)"
    r" \|\| ':' \|\| cast\([\w.\"]+ as varchar\),\s*'-'\s*\)"
)
_DIGEST: Final = re.compile(rf"md5\(\s*{_ITEM}(?:\s*\|\|\s*{_ITEM})*\s*\)")
_STRATEGIES: Final[Mapping[str | None, Strategy]] = {
    "append": "append", "delete+insert": "delete+insert", "merge": "merge", None: "append",
    "default": "delete+insert",
}  # fmt: skip


@dataclass(frozen=True)
class Unit:
    """A model as it is run.

    Args:
        name: of the model.
        relation: its table, as SQL.
        sql: its query; of an incremental model, the form for an empty place.
        incremental: the form for a table that stands; empty for other models.
        load: how the rows of that form come in; its hooks name tables as SQL does.
        reads: the names of the units that it reads, directly.
        problem: why it cannot be run outside of dbt; empty when it can.
        materialized: dbt's word: view, table, incremental.
    """

    name: str
    relation: str
    sql: str
    incremental: str = ""
    load: Load = field(default_factory=Load)
    reads: tuple[str, ...] = ()
    problem: str = ""
    materialized: str = "table"


@dataclass(frozen=True)
class Compiled:
    """A project as it is run.

    Args:
        units: its models, each after those that it reads.
        sources: what is read from outside: the table as SQL -> its name in data sets.
        tests: the dbt tests of data.
        unit_tests: the dbt unit tests.
        error: why there is nothing; empty when there is.
    """

    units: tuple[Unit, ...]
    sources: Mapping[str, str]
    tests: tuple[ShippedTest, ...] = ()
    error: str = ""
    unit_tests: tuple[ShippedUnitTest, ...] = ()

    @property
    def hashed(self) -> tuple[int, ...]:
        """How many columns :data:`HASH_MACRO` is called with, and one less for faults."""
        calls = re.compile(rf"{HASH_MACRO}\(([^()]*)\)")
        found = {
            call[1].count(",") + 1
            for unit in self.units
            for call in calls.finditer(unit.sql + unit.incremental)
        }
        return tuple(sorted({n - less for n in found for less in (0, 1) if n > less}))

    def unit(self, name: str) -> Unit | None:
        """The unit of a model, compared without case."""
        return next((u for u in self.units if u.name.lower() == name.lower()), None)

    def needed_by(self, names: Collection[str]) -> tuple[Unit, ...]:
        """Units with all that they read, in order."""
        wanted = set(names)
        for unit in reversed(self.units):
            if unit.name in wanted:
                wanted.update(unit.reads)
        return tuple(u for u in self.units if u.name in wanted)


def compile_project(
    spec: Spec,
    models: Sequence[str],
    others: Mapping[str, Spec],
    *,
    project: Path,
    database: Path,
    worker: DbtWorker,
    between: Callable[[Mapping[str, Mapping[str, Any]]], None] = lambda _: None,
) -> Compiled:
    """Has dbt render the models of a pipeline.

    Args:
        spec: whose models they are.
        models: names of the dbt models.
        others: specs of models that these read, by model name.
        project: the dbt project.
        database: the DuckDB file in which it was built: the tables have to be there.
        worker: a warm dbt.
        between: called with the nodes as for an empty place, before incremental models are
            rendered as for tables that stand.
    """

    def compiled(*options: str) -> DbtRun:
        args = ["compile", *selection(models, upstream=False), *options]
        return worker.dbt(args, {"batch_at": _MOMENT}, project=project, database=database)

    first = compiled("--full-refresh", "--exclude", "resource_type:unit_test")
    if not first.success:
        return Compiled((), {}, error=first.error or "dbt compile failed")
    nodes = dict(first.nodes)
    again: Mapping[str, Mapping[str, Any]] = {}
    if any(n.get("materialized") == "incremental" for n in nodes.values()):
        between(nodes)
        run = compiled("--exclude", "resource_type:test", "resource_type:unit_test")
        if not run.success:
            return Compiled((), {}, error=run.error or "dbt compile failed")
        again = run.nodes
    found = assemble(spec, nodes, again, others, catalog=database.stem)
    within = _Place(database.stem).within
    return replace(found, unit_tests=tuple(unit_test_of(t, within) for t in first.unit_tests))


def assemble(
    spec: Spec,
    nodes: Mapping[str, Mapping[str, Any]],
    again: Mapping[str, Mapping[str, Any]],
    others: Mapping[str, Spec],
    *,
    catalog: str,
) -> Compiled:
    """The project of what dbt rendered.

    Args:
        spec: whose models they are.
        nodes: compiled nodes by id, as for an empty place.
        again: the same where tables stand.
        others: specs of models that these read, by model name.
        catalog: what DuckDB calls the database.
    """
    models = {i: n for i, n in nodes.items() if n["resource_type"] == "model"}
    names = {i: str(n["name"]) for i, n in models.items()}
    place = _Place(catalog)
    tables = {str(n["name"]): place.within(str(n["relation"])) for n in models.values()}
    sources = _sources(spec, others)
    units = []
    for node_id in ordered(models):
        node, later = models[node_id], again.get(node_id, models[node_id])
        units.append(_unit(node, later, names, tables, place))
    tests = tuple(
        data_test_of(n, names, place.code)
        for n in nodes.values()
        if n["resource_type"] == "test" and n.get("code")
    )
    return Compiled(tuple(units), sources, tests)


def _sources(spec: Spec, others: Mapping[str, Spec]) -> dict[str, str]:
    """What is read from outside of the pipeline: source tables, and models of other specs."""
    found = {}
    for source in spec.sources:
        for table in source.tables:
            place = _relation(spec.landing(source) + _APART, table.name)
            found[place] = f"{source.name}.{table.name}"
    for name, owner in others.items():
        model = owner.model_named(name)
        if model is not None and spec.model_named(name) is None:
            schema = str(getattr(owner.schemas, model.layer))
            found[_relation(schema + _APART, name)] = name
    return found


def _relation(*parts: str) -> str:
    return ".".join('"' + p.replace('"', '""') + '"' for p in parts)


def ordered(models: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Ids of a manifest's models, each after those that it reads: dbt refuses cycles."""
    done: dict[str, None] = {}

    def visit(node_id: str) -> None:
        if node_id in done or node_id not in models:
            return
        for below in models[node_id]["depends_on"]["nodes"]:
            visit(below)
        done[node_id] = None

    for node_id in sorted(models):
        visit(node_id)
    return list(done)


def _unit(
    node: Mapping[str, Any],
    later: Mapping[str, Any],
    names: Mapping[str, str],
    tables: Mapping[str, str],
    place: _Place,
) -> Unit:
    relation, kind = tables[str(node["name"])], str(node["materialized"])
    incremental = kind == "incremental"
    settings = node["settings"]
    strategy = settings.get("incremental_strategy")
    key = settings.get("unique_key") or ()
    hooks = [_hook(h, relation, tables) for h in node["hooks"]["post"]]
    sql, standing = place.code(str(node["code"])), place.code(str(later["code"]))
    problem = _problem(sql, standing if incremental else "")
    if node["hooks"]["pre"]:
        problem = problem or "it has a pre-hook, which is run by dbt only"
    if kind not in ("view", "table", "incremental"):
        problem = problem or f"it is materialized as {kind}"
    if strategy not in _STRATEGIES or settings.get("incremental_predicates"):
        problem = problem or f"its incremental strategy {strategy} is run by dbt only"
    if None in hooks:
        problem = problem or "it has a post-hook with Jinja of its own"
    return Unit(
        str(node["name"]), relation, sql, standing if incremental else "",
        Load(
            _STRATEGIES.get(strategy, "append"),
            (key,) if isinstance(key, str) else tuple(key),
            post_hooks=tuple(h for h in hooks if h is not None),
        ),
        tuple(names[i] for i in node["depends_on"]["nodes"] if i in names),
        problem,
        kind,
    )  # fmt: skip


_APART = "_"
"""Behind every schema's name: DuckDB has catalogs of its own that a schema may be called like."""


class _Place:
    """Rendered SQL freed from the database that it was rendered for.

    Args:
        catalog: what DuckDB calls that database.
    """

    def __init__(self, catalog: str) -> None:
        self._name = re.compile(rf'"{re.escape(catalog)}"\."((?:[^"]|"")+)"\."((?:[^"]|"")+)"')

    def within(self, text: str) -> str:
        """The text with tables called by schema and name alone."""
        return self._name.sub(rf'"\1{_APART}"."\2"', text)

    def code(self, text: str) -> str:
        """The same, the moment of the load a call of :data:`MOMENT_MACRO`."""
        found = _AS_TIMESTAMP.sub(f"{MOMENT_MACRO}()", text.strip().rstrip(";"))
        found = _DIGEST.sub(_folded, found)
        return self.within(found).replace(f"'{_MOMENT}'", f"cast({MOMENT_MACRO}() as varchar)")


def _folded(match: re.Match[str]) -> str:
    """A digest as a call of :data:`HASH_MACRO`."""
    columns = [m[1] for m in re.finditer(_ITEM, match[0])]
    return f"{HASH_MACRO}({', '.join(columns)})"


def _hook(text: str, relation: str, tables: Mapping[str, str]) -> str | None:
    """A hook with its tables' names in; None when it holds other Jinja."""

    def name(match: re.Match[str]) -> str:
        if match[1] == "this":
            return relation
        given = (match[2] or "").strip("'\" ")
        return tables.get(given, match[0]) if match[1] == "ref" else match[0]

    found = _CALL.sub(name, text)
    return None if "{{" in found or "{%" in found else found


def _problem(*queries: str) -> str:
    """Why queries cannot be repeated, or not be read."""
    for sql in queries:
        if not sql:
            continue
        try:
            called = nondeterministic_functions(parse_query(sql, "duckdb"))
        except SqlError as error:
            return f"its SQL cannot be read: {error.message}"
        if called:
            return f"it calls {', '.join(called)}, which gives another value each time"
    return ""
