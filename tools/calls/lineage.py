"""Says what a model reads, who reads it, and where its columns come from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from tools.calls._dbt import folder_of
from tools.calls._files import open_text
from tools.calls._output import shaped
from tools.calls._tree import files
from tools.desk import Desk, ToolError, ToolResult
from tools.spec.suggest import did_you_mean
from tools.sql import template
from tools.sql.lineage import origins
from tools.sql.parse import SqlError

EFFECT = "read"

_FOLDERS = frozenset({"models", "snapshots", "custom", "analyses"})


def lineage(desk: Desk, model: str, project: str = "", dialect: str = "duckdb") -> ToolResult:
    """Show what a dbt model reads and who reads it, all the way, and where its columns come from.

    Told from the text of the models; nothing is run.

    Args:
        model: The name of the model.
        project: The folder of the dbt project; needed only where there are several.
        dialect: The SQL dialect that the models are written in.
    """
    texts = _models(desk, folder_of(desk, project))
    if model not in texts:
        raise ToolError(f"there is no model {model} ({did_you_mean(model, sorted(texts))})")
    reads = {name: _reads(text) for name, (_, text) in texts.items()}
    readers: dict[str, list[str]] = {}
    for name, below in reads.items():
        for read in below:
            readers.setdefault(read, []).append(name)
    path, text = texts[model]
    lines = [
        f"{model}  ({path})",
        "reads:",
        *_tree(model, reads),
        "is read by:",
        *_tree(model, readers),
    ]
    try:
        columns = [f"  {c} <- {', '.join(o) or 'no column'}" for c, o in origins(text, dialect)]
    except SqlError as error:
        columns = [f"  [the query {error.message}]"]
    return shaped(desk, "lineage", "\n".join([*lines, "columns:", *columns]))


def _models(desk: Desk, folder: str) -> dict[str, tuple[str, str]]:
    """The models of a project by name: path and text."""
    found = {}
    for path in files(desk, folder):
        pure = PurePosixPath(path)
        if pure.suffix == ".sql" and _FOLDERS & set(pure.parts):
            found[pure.stem] = (path, open_text(desk, path).plain)
    return found


def _reads(text: str) -> list[str]:
    sources = [f"{source}.{table}" for source, table in template.sources(text)]
    return [*template.refs(text), *sources]


def _tree(name: str, edges: Mapping[str, list[str]]) -> list[str]:
    """What hangs on a name, indented; each name is opened once."""
    lines: list[str] = []
    opened: set[str] = set()
    pending = [(below, 1) for below in sorted(edges.get(name, []), reverse=True)]
    while pending:
        at, depth = pending.pop()
        below = sorted(edges.get(at, []))
        again = " (see above)" if at in opened and below else ""
        lines.append(f"{'  ' * depth}{at}{again}")
        if at not in opened:
            opened.add(at)
            pending += [(next_, depth + 1) for next_ in reversed(below)]
    return lines or ["  nothing"]
