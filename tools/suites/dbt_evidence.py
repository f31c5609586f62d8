"""What failed in a dbt build, as findings: compiled SQL, columns upstream, rows that fail."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from tools.findings import Finding, Location, Report, Severity

_SQL_LINES = 60
_PLACE = re.compile(r"\(((?:[\w.-]+/)+[\w.-]+\.(?:sql|ya?ml|py|csv))\)")
_EMPTY_WORDS = re.compile(r"\s*(?:(?:Runtime|Database|Compilation) Error.*|An error occurred.*)")

Nodes = Mapping[str, Any]


def findings_of(answer: Mapping[str, Any], project: Path, prefix: Path) -> tuple[Finding, ...]:
    """The findings of a run.

    Args:
        answer: of the probe.
        project: the project's folder in the work tree.
        prefix: the same, relative to the top of the work tree: paths are relative to that.
    """
    failed = (r for r in answer["results"] if r["status"] in ("error", "fail", "runtime error"))
    found = [_failed(entry, answer, prefix) for entry in failed]
    if answer["error"]:
        found.append(_stopped(answer["error"], project, prefix))
    return Report.of(found).findings


def name_of(uid: str, nodes: Nodes) -> str:
    """A node's name as people know it: unique among nodes of its kind."""
    kind, _, rest = uid.partition(".")
    return (
        nodes[uid]["name"]
        if kind in ("model", "seed", "snapshot", "test") and uid in nodes
        else rest
    )


def _stopped(error: str, project: Path, prefix: Path) -> Finding:
    """The project cannot even be read; dbt names the file in its message."""
    text = _clean(error)
    place = _PLACE.search(text)
    where = None
    if place and (project / place[1]).is_file():
        where = Location((prefix / place[1]).as_posix())
    first = next((line for line in text.splitlines() if line.strip()), "dbt cannot read it")
    return Finding("DBT001", Severity.ERROR, first.strip(), where, evidence=text)


def _failed(entry: Mapping[str, Any], answer: Mapping[str, Any], prefix: Path) -> Finding:
    uid = entry["unique_id"]
    node = answer["nodes"].get(uid) or {"name": uid, "kind": "", "path": "", "parents": []}
    code, what = {
        "test": ("DBT003", "the data test"),
        "unit_test": ("DBT004", "the unit test"),
    }.get(node["kind"], ("DBT002", f"the {node['kind'] or 'node'}"))
    lines = [line for line in _clean(entry["message"]).splitlines() if line.strip()]
    about = _tested(node, answer["nodes"])
    message = f"{what} {node['name']} fails"
    message += f" on {about['name']}" if about else ""
    telling = [line.strip() for line in lines if not _EMPTY_WORDS.fullmatch(line)]
    message += f": {telling[0]}" if telling else ""
    return Finding(
        code,
        Severity.ERROR,
        message,
        _where(about or node, prefix),
        evidence="\n".join(_evidence(entry, node, answer, lines if len(lines) > 1 else [])),
        subject=f"{about['name']}.{node['column']}"
        if about and node.get("column")
        else node["name"],
    )


def _tested(node: Mapping[str, Any], nodes: Nodes) -> Mapping[str, Any] | None:
    """The model that a test is about: where the cause is looked for first."""
    if node["kind"] not in ("test", "unit_test"):
        return None
    for uid in (node.get("tested", ""), *node["parents"]):
        if uid in nodes:
            return nodes[uid]  # type: ignore[no-any-return]
    return None


def _where(node: Mapping[str, Any], prefix: Path) -> Location | None:
    return Location((prefix / PurePosixPath(node["path"])).as_posix()) if node["path"] else None


def _evidence(
    entry: Mapping[str, Any],
    node: Mapping[str, Any],
    answer: Mapping[str, Any],
    lines: Sequence[str],
) -> list[str]:
    found = list(lines)
    sample = answer.get("samples", {}).get(entry["unique_id"], {})
    if sample.get("rows"):
        found += ["rows that fail:", *table(sample["columns"], sample["rows"])]
    if entry["compiled_code"]:
        sql = [line.rstrip() for line in entry["compiled_code"].splitlines() if line.strip()]
        left = [f"... {len(sql) - _SQL_LINES} more lines"] if len(sql) > _SQL_LINES else []
        found += ["compiled SQL:", *(f"  {line}" for line in (*sql[:_SQL_LINES], *left))]
    columns = answer.get("columns", {})
    upstream = [uid for uid in _upstream(node, answer["nodes"]) if uid in columns]
    if upstream:
        found.append("columns of what it reads:")
        for uid in upstream:
            kinds = ", ".join(f"{name} {kind.lower()}" for name, kind in columns[uid])
            found.append(f"  {uid.split('.', 2)[-1]}: {kinds}")
    return found


def _upstream(node: Mapping[str, Any], nodes: Nodes) -> list[str]:
    direct = list(node["parents"])
    if node["kind"] in ("test", "unit_test"):
        direct += [up for uid in node["parents"] for up in nodes.get(uid, {}).get("parents", [])]
    return list(dict.fromkeys(direct))


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """Rows as aligned text."""
    cells = [[str(c) for c in columns], *([_shown(v) for v in row] for row in rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(columns))]
    return [
        "  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _shown(value: Any) -> str:
    return "NULL" if value is None else str(value)


def _clean(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r", "")
