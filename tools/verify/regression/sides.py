"""The two sides of a comparison: the code of a pipeline as it was, and as it stands now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from tools.artifact import Artifact
from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.verify.build import model_names
from tools.verify.dataset import Dataset, Table
from tools.verify.fixtures.bases import Base, BaseColumn, bases_of
from tools.verify.fixtures.make import Fixtures
from tools.verify.fixtures.values import ordinary
from tools.verify.oracle.engine import Engine
from tools.verify.proof.agree import Case, key_of, subjects_of
from tools.verify.proof.compile import Compiled, compile_project
from tools.verify.proof.engine import Batches
from tools.verify.proof.fields import Rows
from tools.verify.proof.tier import rows_for
from tools.verify.worker import DbtWorker

_OLD_DATASETS = 6
"""Of those that the earlier spec asks for: the first ones show every value that it treats apart."""

_SILENT = frozenset({
    "version", "owner", "description", "tags", "orchestration", "semantic", "consumers",
    "decisions", "open_questions", "targets",
})  # fmt: skip
"""Parts of a spec that no row depends on."""


@dataclass(frozen=True)
class Revision:
    """A pipeline at one point in time.

    Args:
        loaded: its spec.
        others: specs of models that it reads, by model name.
        artifacts: its generated files.
        project: the dbt project that holds them.
    """

    loaded: LoadedSpec
    others: Mapping[str, LoadedSpec]
    artifacts: tuple[Artifact, ...]
    project: Path

    @property
    def specs(self) -> dict[str, Spec]:
        """The specs of models that it reads, by model name."""
        return {name: other.spec for name, other in self.others.items()}


@dataclass(frozen=True)
class Side:
    """A revision that can be run.

    Args:
        case: its spec and code.
        bases: the tables that its code builds on.
    """

    case: Case
    bases: tuple[Base, ...] = field(default=())

    def key(self, unit: str) -> tuple[str, ...]:
        """What tells the rows of a unit apart; nothing when that is not declared."""
        subjects = subjects_of(self.case)
        if unit in subjects.models:
            return key_of(subjects.models[unit])
        declared = self.case.spec.source_table(subjects.sources.get(unit, ""))
        return tuple(declared[1].primary_key) if declared else ()

    def fitted(self, batches: Batches, engine: Engine) -> Batches:
        """Loads with the tables and columns that this side declares, and no others."""
        return tuple(self._fitted(batch, engine) for batch in batches)

    def _fitted(self, dataset: Dataset, engine: Engine) -> Dataset:
        tables = {}
        for base in self.bases:
            given = dataset.table(base.reference)
            tables[base.reference] = base.table() if given is None else _fit(given, base, engine)
        return replace(dataset, tables=tables, why={})


def compile_side(revision: Revision, worker: DbtWorker, database: Path) -> Side:
    """Has dbt render a revision, in a database of its own that holds no data.

    Args:
        revision: what is rendered.
        worker: a warm dbt.
        database: the DuckDB file; it is made, and a table for each incremental model in it.
    """

    def stand(nodes: Mapping[str, Mapping[str, Any]]) -> None:
        places = [n["relation"] for n in nodes.values() if n.get("materialized") == "incremental"]
        statements = []
        for place in places:
            statements.append(f"create schema if not exists {place.rpartition('.')[0]}")
            statements.append(f"create table if not exists {place} (nothing integer)")
        worker.sql(database, statements)

    compiled = compile_project(
        revision.loaded.spec, model_names(revision.artifacts), revision.specs,
        project=revision.project, database=database, worker=worker, between=stand,
    )  # fmt: skip
    return side_of(revision.loaded.spec, revision.specs, compiled)


def side_of(spec: Spec, others: Mapping[str, Spec], compiled: Compiled) -> Side:
    """A side of a spec and its code."""
    return Side(Case(spec, others, compiled), bases_of(spec, others))


def rows_of(before: Revision, after: Revision) -> Rows:
    """Rows made from what either spec says; once, if both say the same of rows."""
    found = rows_for(after.loaded.spec, after.loaded.digest, after.specs)
    if _telling(before) == _telling(after):
        return found
    old, digest = before.loaded.spec, before.loaded.digest
    with Fixtures(old, digest, before.specs) as fixtures:
        few = tuple(_named(d) for d in islice(fixtures.each(), _OLD_DATASETS))
    return Rows((*found.datasets, *few), found.sequences)


def _named(dataset: Dataset) -> Dataset:
    return replace(dataset, name=f"{dataset.name}, by the earlier spec")


def _telling(revision: Revision) -> str:
    """The parts of the specs that rows are made from."""
    every = [revision.loaded.spec, *revision.specs.values()]
    found = [{k: v for k, v in s.to_json().items() if k not in _SILENT} for s in every]
    return json.dumps(found, sort_keys=True, default=str)


def _fit(table: Table, base: Base, engine: Engine) -> Table:
    """The rows under the columns of a base; a column that they lack is filled."""
    filled = [_values(table, column, engine) for column in base.columns]
    return base.table().with_rows(zip(*filled, strict=True) if table.rows else ())


def _values(table: Table, column: BaseColumn, engine: Engine) -> list[Any]:
    """The values of one column: as they are, cast, or ordinary ones where there are none."""
    count, index = len(table.rows), table.index(column.name)
    if index is None:
        if column.nullable:
            return [None] * count
        texts = [c.text for c in ordinary(column.kind, count)]
        return _cast(["varchar"], [(t,) for t in texts], column.kind, engine)
    values = [row[index] for row in table.rows]
    kind = table.columns[index][1]
    if kind.lower() == column.kind.lower() or not values:
        return values
    return _cast([kind], [(v,) for v in values], column.kind, engine)


def _cast(kinds: list[str], rows: list[tuple[Any]], kind: str, engine: Engine) -> list[Any]:
    found, _ = engine.scalars(kinds, rows, [f"try_cast(c0 as {kind})"], "duckdb")
    return [row[0] for row in found]
