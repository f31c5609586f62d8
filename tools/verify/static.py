"""The static tier: generated SQL is read, not run.

Every model parses, names only columns that its tables have, and gives the columns, in the order
and of the types, that its contract promises. It costs milliseconds and names the line.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from tools.artifact import Artifact
from tools.findings import Finding, Fix, Location, Report, Severity
from tools.spec.load import LoadedSpec
from tools.spec.scope import table_columns
from tools.spec.suggest import did_you_mean, only_candidate
from tools.sql import template
from tools.sql.parse import SqlError
from tools.sql.render import type_sql
from tools.sql.static import Outline, outline, same_type
from tools.verify.authored import check_authored

_DIALECT = "duckdb"

Columns = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class _Contract:
    columns: Columns
    enforced: bool
    path: str


def check_static(
    loaded: LoadedSpec, artifacts: Sequence[Artifact], others: Mapping[str, LoadedSpec]
) -> Report:
    """Reads the SQL files of a project.

    Args:
        loaded: the spec; its source tables have the columns that it declares.
        artifacts: generated files; properties (``.yml``) hold the contracts.
        others: specs of models that are read and not generated here, by model name.
    """
    findings: list[Finding] = []
    contracts = {n: c for a in artifacts if _is_yaml(a) for n, c in _contracts(a, findings)}
    models = {PurePosixPath(a.path).stem: a for a in artifacts if _is_model(a)}
    tables = {**_sources(loaded), **_elsewhere(others)}
    for source in {id(o): o for o in others.values()}.values():
        tables = {**_sources(source), **tables}
    for name in _in_order(models):
        contract = contracts.get(name)
        found = list(_check_model(name, models[name], tables, contract, findings))
        output = contract.columns if contract and contract.enforced else _output_of(found)
        if output:
            tables[template.REF + _plain(name)] = output
    for artifact in artifacts:
        if artifact.path.endswith(".sql") and "tests" in PurePosixPath(artifact.path).parts:
            list(_outlines(artifact, tables, findings))
    return Report.of((*findings, *check_authored(artifacts)))


def _is_yaml(artifact: Artifact) -> bool:
    return PurePosixPath(artifact.path).suffix in (".yml", ".yaml")


def _is_model(artifact: Artifact) -> bool:
    path = PurePosixPath(artifact.path)
    return path.suffix == ".sql" and "models" in path.parts


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c == "_" else "_" for c in name)


def _in_order(models: Mapping[str, Artifact]) -> list[str]:
    """Model names, each after those that it refers to; what is in a cycle comes as it is."""
    done: dict[str, None] = {}

    def visit(name: str, above: frozenset[str]) -> None:
        if name in done or name in above or name not in models:
            return
        for ref in template.refs(models[name].content):
            visit(ref, above | {name})
        done[name] = None

    for name in models:
        visit(name, frozenset())
    return list(done)


def _sources(loaded: LoadedSpec) -> dict[str, Columns]:
    return {
        template.SOURCE + _plain(f"{source.name}__{table.name}"): tuple(
            (c.name, _type(c.type, loaded)) for c in table.columns
        )
        for source in loaded.spec.sources
        for table in source.tables
    }


def _elsewhere(others: Mapping[str, LoadedSpec]) -> dict[str, Columns]:
    specs = {name: other.spec for name, other in others.items()}
    found = {}
    for name, other in others.items():
        model = other.spec.model_named(name)
        if model is not None:
            found[template.REF + _plain(name)] = tuple(
                (c.name, _type(c.type, other)) for c in table_columns(other.spec, model, specs)
            )
    return found


def _type(text: str | None, loaded: LoadedSpec) -> str | None:
    try:
        return type_sql(text, loaded.spec.dialect, _DIALECT) if text else None
    except SqlError:
        return None


def _contracts(artifact: Artifact, findings: list[Finding]) -> Iterator[tuple[str, _Contract]]:
    try:
        data = YAML(typ="safe").load(io.StringIO(artifact.content))
    except YAMLError as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        line = mark.line + 1 if mark is not None else 0
        findings.append(Finding(
            "STA006", Severity.ERROR, f"{artifact.path} is not YAML: {str(error).splitlines()[0]}",
            Location(artifact.path, line),
        ))  # fmt: skip
        return
    for entry in _list(data, "models"):
        columns = tuple(
            (str(c["name"]), c.get("data_type")) for c in _list(entry, "columns") if "name" in c
        )
        config: Any = entry.get("config") or {}
        enforced = bool((config.get("contract") or {}).get("enforced"))
        yield str(entry.get("name")), _Contract(columns, enforced, artifact.path)


def _list(data: Any, key: str) -> list[dict[str, Any]]:
    found = data.get(key) if isinstance(data, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _check_model(
    name: str,
    artifact: Artifact,
    tables: Mapping[str, Columns],
    contract: _Contract | None,
    findings: list[Finding],
) -> Iterator[Outline]:
    for found in _outlines(artifact, tables, findings):
        yield found
        if contract and contract.enforced and found.complete and not found.missing:
            findings.extend(_against(name, found, contract, artifact.path))


def _outlines(
    artifact: Artifact, tables: Mapping[str, Columns], findings: list[Finding]
) -> Iterator[Outline]:
    """The query in each of its branches; what cannot be read or is missing becomes a finding."""
    try:
        variants = template.variants(artifact.content)
    except SqlError as error:
        findings.append(_no_sql(artifact, error))
        return
    failed: SqlError | None = None
    read = 0
    for text in variants:
        try:
            found = outline(text, _DIALECT, tables)
        except SqlError as error:
            failed = error
            continue
        read += 1
        findings.extend(
            _unknown(artifact, m.column, m.table, m.line, m.known) for m in found.missing
        )
        yield found
    if failed is not None and not (read and template.has_loop(artifact.content)):
        findings.append(_no_sql(artifact, failed))


def _no_sql(artifact: Artifact, error: SqlError) -> Finding:
    return Finding(
        "STA001", Severity.ERROR, f"{artifact.path} {error.message}",
        Location(artifact.path, error.line, error.column),
        subject=PurePosixPath(artifact.path).stem,
    )  # fmt: skip


def _unknown(
    artifact: Artifact, column: str, table: str, line: int, known: tuple[str, ...]
) -> Finding:
    owner = table.removeprefix(template.REF).removeprefix(template.SOURCE)
    meant = only_candidate(column, known)
    return Finding(
        "STA002", Severity.ERROR,
        f"column {column!r} is not in {owner}" if owner else f"column {column!r} is in no table",
        Location(artifact.path, line), did_you_mean(column, known),
        subject=f"{PurePosixPath(artifact.path).stem}.{column}",
        fix=Fix("rename_column", artifact.path, {"old": column, "new": meant}) if meant else None,
    )  # fmt: skip


def _output_of(found: Sequence[Outline]) -> Columns:
    """What later models may read: only where every column is known."""
    known = [o for o in found if o.complete and not o.missing]
    return known[-1].columns if known and len(known) == len(found) else ()


def _against(name: str, found: Outline, contract: _Contract, path: str) -> Iterator[Finding]:
    """Where the output of a model differs from its contract."""
    gives = {c.lower(): k for c, k in found.columns}
    wants = {c.lower(): k for c, k in contract.columns}
    where = Location(path)
    for column, _ in contract.columns:
        if column.lower() not in gives:
            extra = [c for c, _ in found.columns if c.lower() not in wants]
            yield Finding(
                "STA003", Severity.ERROR, f"{name} does not give the column {column!r} that its "
                "contract promises", where, did_you_mean(column, extra), subject=f"{name}.{column}",
            )  # fmt: skip
    for column, kind in found.columns:
        if column.lower() not in wants:
            yield Finding(
                "STA003", Severity.ERROR, f"{name} gives the column {column!r}, which its contract "
                f"in {contract.path} does not name", where, subject=f"{name}.{column}",
            )  # fmt: skip
            continue
        promised = wants[column.lower()]
        if kind and promised and not same_type(kind, promised, _DIALECT):
            yield Finding(
                "STA004", Severity.ERROR, f"{name}.{column} is {kind.lower()}, its contract says "
                f"{promised}", where, "cast it, or correct the type", subject=f"{name}.{column}",
            )  # fmt: skip
    order = [c.lower() for c, _ in found.columns]
    if set(order) == set(wants) and order != list(wants):
        yield Finding(
            "STA005", Severity.WARNING, f"{name} gives its columns in another order than its "
            "contract", where, subject=name,
        )  # fmt: skip
