"""The columns of everything that the models of a project read, and where their types are from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tools.errors import SpecmillError
from tools.sql.analyse import ColumnRef, equalities
from tools.sql.parse import SqlError
from tools.sql.probes import probes
from tools.sql.traced import BaseColumn, Part, Traced, taken_for, trace
from tools.verify.dataset import kind_of
from tools.verify.mutants.store import parts, quoted
from tools.verify.project.place import Place
from tools.verify.worker import DbtWorker

_THEIRS = "specmill_theirs"
_MOST_ROWS = 1000
_COLUMNS = (
    "select lower(schema_name || '.' || table_name), column_name, data_type "
    f"from duckdb_columns() where database_name = '{_THEIRS}' and not internal "
    "order by 1, column_index"
)
_NAMES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(^|_)(is|has|was)_|_flag$"), "boolean"),
    (re.compile(r"_at$|_ts$|timestamp|datetime"), "timestamp"),
    (re.compile(r"(^|_)(date|day|month)$|^date_|_on$|birth"), "date"),
    (re.compile(r"(^|_)(id|no|number|count|quantity|qty|year|rank|seq)$"), "integer"),
    (re.compile(r"amount|price|cost|total|revenue|tax|fee|rate|balance"), "decimal(18,2)"),
)


@dataclass
class Relation:
    """A table that some model reads.

    Args:
        name: as compiled SQL calls it, without quotes, lower case.
        columns: name and DuckDB type.
        origin: where these are from.
        node: dbt's id of it.
    """

    name: str
    columns: dict[str, str] = field(default_factory=dict)
    origin: str = ""
    node: str = ""

    @property
    def sql(self) -> str:
        """Its name as SQL."""
        return quoted(self.name)


def plain(relation: str) -> str:
    """A relation's name without quotes, lower case."""
    return ".".join(parts(relation)).lower()


def outside(manifest: Mapping[str, Any], place: Place, worker: DbtWorker) -> (
    tuple[dict[str, Relation], str]
):  # fmt: skip
    """Sources and seeds with what is known of their columns; and a note where it is not known.

    Args:
        manifest: dbt's account of the project.
        place: the copy of the project.
        worker: reads the project's database, if there is one.
    """
    theirs, note = _catalog(place, worker)
    found = {}
    for node_id, node in _read_from(manifest):
        if not node.get("relation_name"):
            continue
        relation = Relation(plain(node["relation_name"]), node=node_id)
        known = theirs.get(".".join(relation.name.split(".")[-2:]), {})
        if known:
            relation.columns, relation.origin = dict(known), "database"
        elif node["resource_type"] == "seed":
            relation.columns = _seed(node, place, worker)
            relation.origin = "seed file"
        else:
            relation.columns = _declared(node, place.profile.platform)
            relation.origin = "declared" if relation.columns else ""
        found[relation.name] = relation
    return found, note


def _read_from(manifest: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    nodes = manifest.get("nodes", {}).items()
    seeds = [(i, n) for i, n in nodes if n["resource_type"] in ("seed", "snapshot")]
    return [*manifest.get("sources", {}).items(), *seeds]


def _catalog(place: Place, worker: DbtWorker) -> tuple[dict[str, dict[str, str]], str]:
    """The columns of the tables of the project's database, by schema and name."""
    file = place.profile.database
    if file is None or not file.is_file():
        return {}, "its database is not there: types are those declared, or inferred"
    path = str(file).replace("'", "''")
    try:
        rows = worker.sql(
            place.database,
            [f"attach '{path}' as {_THEIRS} (read_only)", _COLUMNS],
        )[1]
    except SpecmillError as error:
        said = error.message.splitlines()[0]
        return {}, f"its database cannot be read ({said}): types are declared or inferred"
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in rows.rows:
        found.setdefault(str(table), {})[str(column)] = bare_kind(str(kind))
    return found, ""


def bare_kind(kind: str) -> str:
    """A DuckDB type without lengths of text."""
    try:
        return kind_of(kind)
    except SqlError:
        return kind.lower()


def _declared(node: Mapping[str, Any], platform: str) -> dict[str, str]:
    """Columns with a type in the project's YAML; those without one have none yet."""
    found = {}
    for column in node.get("columns", {}).values():
        text = str(column.get("data_type") or "")
        kind = ""
        for dialect in (platform, "duckdb"):
            try:
                kind = kind or (kind_of(text, dialect) if text and dialect else "")
            except SqlError:
                continue
        found[str(column["name"])] = kind
    return found


def _seed(node: Mapping[str, Any], place: Place, worker: DbtWorker) -> dict[str, str]:
    file = place.root / str(node["original_file_path"])
    declared = {str(k).lower(): str(v) for k, v in
                (node["config"].get("column_types") or {}).items()}  # fmt: skip
    try:
        path = str(file).replace("'", "''")
        text = f"describe select * from read_csv('{path}', header = true)"
        rows = worker.sql(place.database, [text])[0].rows
    except SpecmillError:
        return {}
    return {str(r[0]): bare_kind(declared.get(str(r[0]).lower(), str(r[1]))) for r in rows}


def fill(relations: Iterable[Relation], traces: Mapping[str, Traced]) -> None:
    """Gives a type to every column that is read and has none yet, by what is done with it.

    Args:
        relations: sources and the like.
        traces: by model, what its SQL does.
    """
    used = _uses(traces.values())
    for relation in relations:
        known = {c.lower() for c in relation.columns}
        names = {c for traced in traces.values() for n, c in traced.found if n == relation.name}
        complete = relation.origin in ("database", "seed file")
        for name in sorted(names - known if not complete else ()):
            relation.columns[name] = ""
        missing = [c for c, kind in relation.columns.items() if not kind]
        for column in missing:
            place = (relation.name, column.lower())
            relation.columns[column] = _inferred(place, used, relations)
        if missing and not complete:
            some = len(missing) < len(relation.columns)
            relation.origin = "declared and inferred" if some else "inferred"


@dataclass
class _Uses:
    """What is done with columns.

    Args:
        kinds: the types that they are taken for.
        joined: the columns that they are set equal to.
    """

    kinds: dict[BaseColumn, list[str]] = field(default_factory=dict)
    joined: dict[BaseColumn, list[BaseColumn]] = field(default_factory=dict)


def _uses(traces: Iterable[Traced]) -> _Uses:
    found = _Uses()
    for traced in traces:
        for part in traced.parts:
            for ref, kind in (*taken_for(part.tree), *_probed(part)):
                place = _single(traced, part.at, ref)
                if place is not None:
                    found.kinds.setdefault(place, []).append(kind)
            for pair in equalities(part.tree) if part.kind in ("on", "where") else ():
                one, two = (_single(traced, part.at, ref) for ref in pair)
                if one is not None and two is not None:
                    found.joined.setdefault(one, []).append(two)
                    found.joined.setdefault(two, []).append(one)
    return found


def _probed(part: Part) -> Iterator[tuple[ColumnRef, str]]:
    """The types that literals and casts take columns for."""
    for probe in probes(part.tree):
        if probe.kind == "cast":
            yield probe.column, bare_kind(str(probe.value))
        elif isinstance(probe.value, Decimal) and probe.kind == "value":
            yield probe.column, "integer" if probe.value % 1 == 0 else "decimal(18,2)"
        elif probe.kind in ("like", "regex") or (probe.kind == "value" and probe.value == ""):
            yield probe.column, "varchar"


def _inferred(place: BaseColumn, used: _Uses, relations: Iterable[Relation]) -> str:
    """A type that fits what is done with a column; by its name otherwise."""
    others = used.joined.get(place, ())
    known = {(r.name, c.lower()): k for r in relations for c, k in r.columns.items() if others}
    found = [*used.kinds.get(place, ()), *(known.get(o, "") for o in others)]
    usable = next((kind for kind in found if kind), "")
    if usable:
        return usable
    name = place[1]
    return next((kind for pattern, kind in _NAMES if pattern.search(name)), "varchar")


def _single(traced: Traced, at: int, ref: ColumnRef) -> BaseColumn | None:
    places = traced.base(at, ref)
    return places[0] if len(places) == 1 else None


def traced_models(
    queries: Mapping[str, str], known: Mapping[str, tuple[str, ...]]
) -> dict[str, Traced]:
    """The queries that can be followed, taken apart."""
    found = {}
    for name, sql in queries.items():
        try:
            found[name] = trace(sql, known)
        except SqlError:
            continue
    return found


def stand_in(relations: Sequence[Relation], place: Place, worker: DbtWorker) -> None:
    """Makes the relations in the scratch database, for models that look while they are rendered.

    Those of the project's own database come with some of its rows.
    """
    file = place.profile.database
    attach = []
    if file is not None and file.is_file():
        path = str(file).replace("'", "''")
        attach = [f"attach '{path}' as {_THEIRS} (read_only)"]
    for relation in relations:
        pieces = parts(relation.name)
        if len(pieces) != 2 or not relation.columns:
            continue
        schema = quoted(pieces[0])
        columns = ", ".join(f'"{c}" {k}' for c, k in relation.columns.items())
        statements = [f"create schema if not exists {schema}"]
        if relation.origin == "database":
            theirs = quoted(".".join([_THEIRS, *pieces]))
            text = f"as select * from {theirs} limit {_MOST_ROWS}"
            statements = [*attach, *statements, f"create or replace table {relation.sql} {text}"]
        else:
            statements.append(f"create or replace table {relation.sql} ({columns})")
        try:
            worker.sql(place.database, statements)
        except SpecmillError:
            continue  # what looks at it while it is rendered will say so
