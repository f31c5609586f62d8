"""dbt's results as findings: which model, which line, what DuckDB says, which rows."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tools.findings import Finding, Location, Severity
from tools.verify.outcome import NODE_KINDS, NodeKind, NodeResult
from tools.verify.replies import DbtRun

_BAD = ("error", "fail", "runtime error")
_DECORATION = re.compile(
    r"^\s*((Runtime|Compilation|Database|Parsing|Dbt Runtime) Error( in .*)?|"
    r"compiled code at .*|Encountered an error:|> in macro .*|> called by .*)\s*$"
)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_DUCKDB_LINE = re.compile(r"^LINE (\d+): (.*)$", re.MULTILINE)
_JINJA_LINE = re.compile(r"^\s*line (\d+)\s*$", re.MULTILINE)
_NAMED_FILE = re.compile(r"\(((?:[\w.-]+/)+[\w.-]+\.(?:sql|ya?ml|md|csv))\)")
_YAML_FILE = re.compile(r"Error reading [\w.-]+: ([^\s]+\.ya?ml)")
_YAML_LINE = re.compile(r"near line (\d+)")
_AROUND = 3
_HIDDEN = "***"


@dataclass(frozen=True)
class Project:
    """A dbt project as findings speak of it.

    Args:
        root: its folder.
        shown: how people see that folder, such as ``generated/dbt``.
        personal: lower-case column names whose values are not shown.
        made_up: whether its source rows were made up by specmill.
    """

    root: Path
    shown: str
    personal: Collection[str] = ()
    made_up: bool = False

    def location(self, path: str, line: int = 0) -> Location:
        """A file of the project as a place."""
        return Location(f"{self.shown}/{path}" if self.shown else path, line)

    def text(self, path: str) -> str:
        """The text of a file of the project; empty when it is not there."""
        file = self.root / path
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""


def clean(message: str | None) -> str:
    """A message without colours, dbt's headings and blank lines."""
    lines = _COLOURS.sub("", message or "").splitlines()
    kept = [line.rstrip() for line in lines if line.strip() and not _DECORATION.match(line)]
    indent = min((len(line) - len(line.lstrip()) for line in kept), default=0)
    return "\n".join(line[indent:] for line in kept)


def node_results(run: DbtRun) -> tuple[NodeResult, ...]:
    """The nodes of a run, in dbt's order."""
    found = []
    for entry in run.results:
        node = run.nodes[entry["unique_id"]]
        kind = node["resource_type"] if node["resource_type"] in NODE_KINDS else "model"
        found.append(
            NodeResult(
                name=node["name"],
                kind=cast("NodeKind", kind),
                status=entry["status"],
                seconds=round(float(entry["execution_time"] or 0), 3),
                message="" if entry["message"] == "OK" else clean(entry["message"]),
                model=_model_of(node),
            )
        )
    return tuple(found)


def _model_of(node: Mapping[str, Any]) -> str:
    """The model that a node is about."""
    if node["resource_type"] not in ("test", "unit_test"):
        return str(node["name"])
    if node.get("model"):
        return str(node["model"])
    parents = node.get("depends_on", {}).get("nodes") or []
    owner = node.get("attached_node") or (parents[0] if parents else "")
    return str(owner).rpartition(".")[2]


def findings_of(run: DbtRun, project: Project) -> list[Finding]:
    """What went wrong in a run; skipped nodes are one note with what held them up."""
    findings = [f for entry in run.results for f in _finding_of(entry, run, project)]
    if run.error:
        findings.append(_stopped(run.error, project))
    skipped = [run.nodes[e["unique_id"]]["name"] for e in run.results if e["status"] == "skipped"]
    if skipped:
        shown = ", ".join(skipped[:6]) + (", ..." if len(skipped) > 6 else "")
        findings.append(Finding(
            "DBT009", Severity.NOTE, f"{len(skipped)} nodes were skipped, as what they read "
            f"failed: {shown}",
        ))  # fmt: skip
    findings += [f for e in run.events if (f := _warning(e, project)) is not None]
    return findings


def _finding_of(entry: Mapping[str, Any], run: DbtRun, project: Project) -> Iterator[Finding]:
    node = run.nodes[entry["unique_id"]]
    status = entry["status"]
    if status not in (*_BAD, "warn"):
        return
    if node["resource_type"] == "test":
        yield _test(entry, node, project)
    elif node["resource_type"] == "unit_test":
        yield _unit_test(entry, node, project)
    elif status in _BAD:
        yield _model(entry, node, project)


# -- models -----------------------------------------------------------------------------------


def _model(entry: Mapping[str, Any], node: Mapping[str, Any], project: Project) -> Finding:
    message = clean(entry["message"])
    compiled = entry.get("compiled_code") or ""
    told = _DUCKDB_LINE.search(entry.get("explained") or "") or _DUCKDB_LINE.search(message)
    at = _line_in(compiled, told) if told else 0
    path = node["original_file_path"]
    text = project.text(path)
    line = _same_line(compiled, at, text) if at else _jinja_line(entry["message"])
    first, _, rest = message.partition("\n")
    evidence = [rest] if rest else []
    if at:
        evidence.append(excerpt(compiled, at))
    return Finding(
        "DBT001", Severity.ERROR, f"{node['name']} does not build: {first}",
        project.location(path, line), evidence="\n".join(evidence), subject=node["name"],
    )  # fmt: skip


def _line_in(compiled: str, told: re.Match[str]) -> int:
    """The line of the compiled SQL that DuckDB means; its own count may include a wrapper."""
    lines = compiled.splitlines()
    number, shown = int(told[1]), told[2].strip().strip(".").strip()
    if 0 < number <= len(lines) and shown in lines[number - 1]:
        return number
    return next((n for n, line in enumerate(lines, start=1) if shown and shown in line), 0)


def _same_line(compiled: str, at: int, text: str) -> int:
    """The line of the model file that a compiled line comes from, by its text or its words."""
    wanted = compiled.splitlines()[at - 1].strip()
    lines = [line.strip() for line in text.splitlines()]
    same = [n for n, line in enumerate(lines, start=1) if line == wanted]
    if same:
        before = [line.strip() for line in compiled.splitlines()[: at - 1]].count(wanted)
        return same[min(before, len(same) - 1)]
    words = set(re.findall(r"\w+", wanted))
    scores = [len(words & set(re.findall(r"\w+", line))) for line in lines]
    return scores.index(max(scores)) + 1 if scores and max(scores) > 1 else 0


def _jinja_line(message: str | None) -> int:
    found = _JINJA_LINE.search(message or "")
    return int(found[1]) if found else 0


def excerpt(text: str, line: int) -> str:
    """The lines around one, numbered, the one marked."""
    lines = text.splitlines()
    first, last = max(0, line - 1 - _AROUND), min(len(lines), line + _AROUND)
    return "\n".join(
        f"{'>' if n == line - 1 else ' '} {n + 1:4d} | {lines[n]}".rstrip()
        for n in range(first, last)
    )


# -- tests ------------------------------------------------------------------------------------


def _test(entry: Mapping[str, Any], node: Mapping[str, Any], project: Project) -> Finding:
    model, column = _model_of(node), node.get("column_name")
    kind = (node.get("test_metadata") or {}).get("name") or node["name"]
    about = f"{model}.{column}" if column else model
    path = node["original_file_path"]
    line = _declared_line(project.text(path), model, column, kind)
    if entry["status"] in ("error", "runtime error"):
        return Finding(
            "DBT002", Severity.ERROR,
            f"test {kind} of {about} cannot run: {clean(entry['message'])}",
            project.location(path, line), evidence=entry.get("compiled_code") or "", subject=about,
        )  # fmt: skip
    count = entry["failures"]
    unsure = project.made_up and kind in ("holds", "accepted_values", "expression_is_true")
    failed = entry["status"] == "fail" and not unsure
    sample = entry.get("sample")
    return Finding(
        "DBT003",
        Severity.ERROR if failed else Severity.WARNING,
        f"test {kind} of {about} fails with {count} row{'s' if count != 1 else ''}"
        + (" that specmill made up" if unsure else ""),
        project.location(path, line),
        "give the source tables real rows with `data:`" if unsure else "",
        evidence=rows_table(sample["columns"], sample["rows"], project.personal) if sample else "",
        subject=about,
    )


def _unit_test(entry: Mapping[str, Any], node: Mapping[str, Any], project: Project) -> Finding:
    path, model = node["original_file_path"], _model_of(node)
    message = clean(entry["message"])
    first, _, rest = message.partition("\n")
    line = _declared_line(project.text(path), node["name"], None, node["name"])
    what = "does not give what it expects" if entry["status"] == "fail" else f"fails: {first}"
    evidence = rest
    if entry["status"] == "fail":
        evidence = message.replace("actual differs from expected:", "+++ found, --- expected:")
    return Finding(
        "DBT004", Severity.ERROR, f"example {node['name']} of {model} {what}",
        project.location(path, line), evidence=evidence, subject=model,
    )  # fmt: skip


def _declared_line(text: str, model: str, column: str | None, kind: str) -> int:
    """Where a properties file declares a test: below the model's and the column's name."""
    at = 0
    lines = text.splitlines()
    for wanted in (model, column):
        if not wanted:
            continue
        pattern = re.compile(rf"\bname:\s*['\"]?{re.escape(wanted)}['\"]?\s*([,}}#].*)?$")
        found = next((n for n in range(at, len(lines)) if pattern.search(lines[n])), None)
        at = at if found is None else found
    below = range(at, min(at + 60, len(lines)))
    found = next((n for n in below if re.search(rf"\b{re.escape(kind)}\b", lines[n])), None)
    return (at if found is None else found) + 1 if lines else 0


def rows_table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], personal: Collection[str] = ()
) -> str:
    """Rows as aligned text; values of personal columns are hidden."""
    hidden = {i for i, c in enumerate(columns) if c.lower() in personal}
    shown = [
        [_HIDDEN if i in hidden and v is not None else _cell(v) for i, v in enumerate(row)]
        for row in rows
    ]
    table = [list(columns), *shown]
    widths = [max(len(line[i]) for line in table) for i in range(len(columns))]
    return "\n".join(
        " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip()
        for line in table
    )


def _cell(value: Any) -> str:
    if value is None:
        return "NULL"
    text = str(value).replace("\n", "\\n")
    return text if len(text) <= 60 else text[:57] + "..."


# -- the whole command ------------------------------------------------------------------------


def _stopped(error: str, project: Project) -> Finding:
    """An error that stopped dbt before it ran anything: Jinja or YAML that cannot be read."""
    message = clean(error)
    yaml = _YAML_FILE.search(error)
    named = _NAMED_FILE.search(error)
    location = None
    if named:
        location = project.location(named[1], _jinja_line(error))
    elif yaml:
        line = _YAML_LINE.search(error)
        path = next(
            (p for p in (yaml[1], f"models/{yaml[1]}") if (project.root / p).is_file()), yaml[1]
        )
        location = project.location(path, int(line[1]) if line else 0)
    first, _, rest = message.partition("\n")
    return Finding(
        "DBT005", Severity.ERROR, f"dbt cannot read the project: {first}", location, evidence=rest
    )


_LOUD = {"NoNodeForYamlKey", "NodeNotFoundOrDisabled", "UnusedResourceConfigPath",
         "JinjaLogWarning", "InvalidDisabledTargetInTestNode", "NothingToDo",
         "NoNodesSelected"}  # fmt: skip


def _warning(event: Mapping[str, str], project: Project) -> Finding | None:
    """Warnings about the project itself; those about results are findings already."""
    if event["level"] != "warn" or event["name"] not in _LOUD:
        return None
    message = clean(event["message"].replace("[WARNING]: ", ""))
    named = _NAMED_FILE.search(event["message"]) or re.search(
        r"'((?:[\w.-]+/)+[\w.-]+\.ya?ml)'", event["message"]
    )
    return Finding(
        "DBT006", Severity.WARNING, message, project.location(named[1]) if named else None
    )
