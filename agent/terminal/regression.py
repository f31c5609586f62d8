"""What moved between two revisions, on a screen of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from agent.terminal.console import print_columns, print_indented, sign
from tools.verify.regression.report import (
    Cells,
    ColumnMove,
    MetricMove,
    ModelMove,
    Regression,
    Witness,
)

_STYLES = {"same": "faint", "moved": "bad", "added": "note", "removed": "bad", "open": "warning"}
_WITNESSES = 3
_COLUMNS = 12
_CELL = 22


def print_regression(console: Console, found: Regression) -> None:
    """Prints what moved: a line for each model, then columns, metrics and rows that show it."""
    head = Text(sign(console, ok=not found.moved), style="bad" if found.moved else "ok")
    head.append(f" {found.pipeline}", style="name")
    head.append(f"  against {found.revision} ({found.commit[:10]})")
    head.append(f"  {_count(found.datasets, 'data set')}, {found.seconds:.1f} s", style="faint")
    console.print(head, soft_wrap=True)
    for note in found.notes:
        print_indented(console, Text.assemble(("note: ", "note"), note), 2)
    rows = [[Text(h, style="faint") for h in ("model", "rows", "")]]
    rows += [_model_row(m) for m in found.models]
    print_columns(console, rows, indent=2)
    _print_columns(console, found.models)
    _print_metrics(console, found.metrics)
    _print_failures(console, found.models)
    _print_witnesses(console, found.models)
    if not found.moved:
        on = " on these data sets" if any(m.rows_after for m in found.models) else ""
        text = "nothing moved: rows, values, types and metrics are as they were"
        text = "nothing moved: the code is the same" if not on else text + on
        print_indented(console, Text(text), 2)


def _model_row(model: ModelMove) -> list[Text]:
    rows = f"{model.rows_before} → {model.rows_after}"
    if model.rows_before == model.rows_after:
        rows = str(model.rows_after)
    said = Text(_SAID[model.state], style=_STYLES[model.state])
    if model.state == "moved":
        said.append(f"  {_moves(model)}", style="")
    if model.state in ("added", "removed") or not rows.strip("0"):
        rows = ""
    return [Text(model.name, style="name"), Text(rows), said]


_SAID = {
    "same": "same", "moved": "moved", "added": "is new", "removed": "is gone",
    "open": "could not be compared",
}  # fmt: skip


def _moves(model: ModelMove) -> str:
    parts = []
    if model.added:
        parts.append(f"+{model.added}")
    if model.removed:
        parts.append(f"-{model.removed}")
    parts = [f"{' '.join(parts)} rows"] if parts else []
    if model.changed:
        parts.append(f"{_count(model.changed, 'row')} changed")
    shape = sum(1 for c in model.columns if c.existence or c.retyped)
    if shape:
        parts.append(f"{_count(shape, 'column')} of another shape")
    if len(model.fails) == 1:
        side = next(iter(model.fails))
        parts.append("fails now" if side == "after" else "failed before")
    return ", ".join(parts)


def _print_columns(console: Console, models: Sequence[ModelMove]) -> None:
    rows = [_column_row(m, c) for m in models for c in m.columns]
    if not rows:
        return
    console.print()
    for line in rows[:_COLUMNS]:
        print_indented(console, line, 2)
    if len(rows) > _COLUMNS:
        more = f"... and {len(rows) - _COLUMNS} more columns: --json has them all"
        console.print(Text(f"  {more}", style="faint"))


def _column_row(model: ModelMove, column: ColumnMove) -> Text:
    line = Text(f"{model.name}.{column.name} ", style="name")
    if column.existence:
        return line + Text(f"is {'new' if column.existence == 'added' else 'gone'}")
    parts = []
    if column.retyped:
        parts.append(f"was {column.retyped[0]}, is {column.retyped[1]}")
    if column.moved:
        of = f" of {column.compared}" if model.keyed else ""
        example = ""
        if column.before is not None or column.after is not None:
            example = f", such as {_text(column.before)} → {_text(column.after)}"
        values = "value" if column.moved == 1 and not of else "values"
        parts.append(f"{column.moved}{of} {values} moved{example}")
    return line + Text("; ".join(parts))


def _print_metrics(console: Console, metrics: Sequence[MetricMove]) -> None:
    moved = [m for m in metrics if m.state != "same"]
    unknown = [m for m in metrics if m.state == "same" and m.reason]
    if moved or unknown:
        console.print()
    for metric in moved:
        line = Text(f"{metric.kind} {metric.name} ", style="name")
        if metric.state == "moved":
            line.append(f"moved on {metric.datasets} of {_count(metric.compared, 'data set')}")
            line.append(f", such as {_text(metric.before)} → {_text(metric.after)}")
        else:
            line.append(_SAID[metric.state] + (f": {metric.reason}" if metric.reason else ""))
        print_indented(console, line, 2)
    for metric in unknown:
        line = Text(f"{metric.kind} {metric.name} ", style="name")
        print_indented(console, line + Text(f"not worked out: {metric.reason}"), 2)


def _print_failures(console: Console, models: Sequence[ModelMove]) -> None:
    for model in models:
        for side, reason in model.fails.items():
            line = Text(f"{model.name} ", style="name")
            line.append("cannot be run as it was: " if side == "before" else "cannot be run now: ")
            print_indented(console, line + Text(reason), 2)


def _print_witnesses(console: Console, models: Sequence[ModelMove]) -> None:
    """Rows that show it, for models whose own code has changed before all others."""
    found = sorted(
        (m for m in models if m.witness is not None), key=lambda m: (m.same_code, bool(m.follows))
    )
    for model in found[:_WITNESSES]:
        console.print()
        why = "its code has changed"
        if model.same_code:
            why = f"it follows {', '.join(model.follows) or 'what it reads'}"
        line = Text(model.name, style="name") + Text(f"  {why}; rows that show it:")
        print_indented(console, line, 2)
        if model.witness is not None:
            _print_witness(console, model.witness)
    if len(found) > _WITNESSES:
        more = f"... and {len(found) - _WITNESSES} more models: --json has their rows"
        console.print(Text(f"  {more}", style="faint"))


def _print_witness(console: Console, witness: Witness) -> None:
    for number, load in enumerate(witness.given, 1):
        prefix = f"load {number}, " if len(witness.given) > 1 else ""
        for reference, table in load:
            _print_cells(console, f"{prefix}{reference}", table)
        if not load:
            console.print(Text(f"    {prefix}no rows", style="faint"))
    for title, side, table in (
        ("before", "before", witness.before),
        ("now", "after", witness.after),
    ):
        if side in witness.failed:
            reason = witness.failed[side].splitlines()[0]
            print_indented(console, Text.assemble((f"{title}: ", "note"), reason), 4)
        elif witness.failed:
            print_indented(console, Text.assemble((f"{title}: ", "note"), "runs"), 4)
        elif table.rows:
            _print_cells(console, title, table)
        else:
            console.print(Text.assemble("    ", (f"{title}: ", "note"), "no such row"))


def _print_cells(console: Console, title: str, table: Cells) -> None:
    console.print(Text(f"    {title}", style="note"))
    rows: list[list[Text]] = [[Text(c, style="faint") for c in table.columns]]
    rows += [[Text(_text(v)[:_CELL]) for v in row] for row in table.rows]
    print_columns(console, rows, indent=6)
    if table.more:
        console.print(Text(f"      ({table.more} more rows)", style="faint"))


def _text(value: str | None) -> str:
    if value is None:
        return "NULL"
    return repr(value) if value == "" or value != value.strip() or "\n" in value else value


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
