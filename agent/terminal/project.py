"""What was shown of a dbt project without a spec, on a screen of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from agent.terminal.console import print_columns, print_indented, sign
from agent.terminal.findings import print_findings
from agent.terminal.verdicts import rate
from tools.findings import Severity
from tools.verify.project.report import ColumnFaults, ModelReport, ProjectReport

_STYLES = {"TESTED": "ok", "REFUTED": "bad", "UNVERIFIED": "warning"}
_WORDS = {"TESTED": "yes", "REFUTED": "no", "UNVERIFIED": "?"}
_WEAK, _SURVIVORS, _NOT_RUN = 10, 3, 8


def print_project(console: Console, report: ProjectReport) -> None:
    """Prints a line for each model, weak columns, surviving faults, findings, what is open."""
    head = Text(sign(console, ok=report.ok), style="ok" if report.ok else "bad")
    head.append(f" {report.name}", style="name")
    count = len(report.models)
    head.append(f"  {count} model{'' if count == 1 else 's'}, {report.tests} tests, no spec")
    console.print(head, soft_wrap=True)
    for note in report.notes:
        print_indented(console, Text.assemble(("note: ", "note"), note), 2)
    if report.models:
        _print_models(console, report.models)
        _print_weak(console, report.models)
        _print_survivors(console, report.models)
        _print_types(console, report.models)
        _print_not_run(console, report.models)
    shown = [f for f in report.report if f.severity in (Severity.ERROR, Severity.WARNING)]
    if shown:
        console.print()
        print_findings(console, shown)
    if report.needs_spec:
        console.print()
        text = "UNVERIFIED, needs a spec: " + "; ".join(report.needs_spec)
        print_indented(console, Text(text, style="warning"), 2)


def _print_models(console: Console, models: Sequence[ModelReport]) -> None:
    """``again``: the same in whatever order; ``bit by bit``: as a full refresh gives it."""
    heads = ("model", "runs", "again", "bit by bit", "faults", "survive", "tests")
    rows = [[Text(h, style="faint") for h in heads]]
    rows += [_row(m) for m in models]
    console.print()
    print_columns(console, rows, indent=2)
    for model in models:
        for claim in model.claims:
            if claim.kind == "UNVERIFIED" and claim.name != "values":
                line = Text(f"{model.name} ", style="name")
                line.append("UNVERIFIED", style="warning")
                print_indented(console, line + Text(f" {claim.name}: {claim.reason}"), 2)


def _row(model: ModelReport) -> list[Text]:
    loads = [
        c for c in model.claims if c.name in ("same loaded twice", "incremental = full refresh")
    ]
    cells = [Text(model.name, style="name"), _said(model, "runs")]
    cells.append(_said(model, "same when run again"))
    worst = next(
        (k for k in ("REFUTED", "UNVERIFIED", "TESTED") if k in {c.kind for c in loads}), ""
    )
    cells.append(Text(_WORDS[worst], style=_STYLES[worst]) if worst else Text("-", style="faint"))
    if model.strength is not None:
        cells += [
            Text(rate(model.strength.rate)),
            Text(str(model.strength.undecided or "")),
            Text(rate(model.strength.shipped_rate)),
        ]
    return cells


def _said(model: ModelReport, name: str) -> Text:
    claim = model.claim(name)
    if claim is None:
        return Text("-", style="faint")
    return Text(_WORDS[claim.kind], style=_STYLES[claim.kind])


def _print_weak(console: Console, models: Sequence[ModelReport]) -> None:
    """The columns that faults change and the project's tests watch least."""
    found = [(m.name, c) for m in models for c in m.columns if c.noticed < c.changed_by]
    found.sort(key=lambda pair: pair[1].noticed / pair[1].changed_by)
    if not found:
        return
    console.print()
    console.print(Text("  values that faults change and the project's tests do not see:"))
    rows = [_weak(name, column) for name, column in found[:_WEAK]]
    print_columns(console, rows, indent=4)
    if len(found) > _WEAK:
        more = f"... and {len(found) - _WEAK} more columns: --json has them all"
        console.print(Text(f"    {more}", style="faint"))


def _weak(model: str, column: ColumnFaults) -> list[Text]:
    said = f"{column.noticed} of {column.changed_by} faults noticed"
    return [Text(f"{model}.{column.name}", style="name"), Text(said)]


def _print_survivors(console: Console, models: Sequence[ModelReport]) -> None:
    """Faults that no rows tell from the model: what was made says nothing of that place."""
    found = [(m.name, s) for m in models if m.strength for s in m.strength.survivors]
    left = sum(m.strength.not_tried for m in models if m.strength)
    if found:
        console.print()
    for name, survivor in found[:_SURVIVORS]:
        line = Text(f"no rows made tell this fault in {name}: ", style="warning")
        print_indented(console, line + Text(f"{survivor.description} ({survivor.operator})"), 2)
        for text in survivor.diff.splitlines():
            console.print(Text(f"    {text}"[: console.width]), soft_wrap=True)
    if len(found) > _SURVIVORS:
        more = f"... and {len(found) - _SURVIVORS} more: --json has them all"
        console.print(Text(f"  {more}", style="faint"))
    if left:
        print_indented(console, Text(f"{left} faults were not tried: time was up"), 2)


def _print_types(console: Console, models: Sequence[ModelReport]) -> None:
    """Where the types of what is read are from, if not from the project's own SQL."""
    origins: dict[str, list[str]] = {}
    for name, origin in dict(pair for m in models for pair in m.types).items():
        if origin != "its own SQL":
            origins.setdefault(origin or "unknown", []).append(name.split(".", 1)[-1])
    if origins:
        console.print()
    for origin, names in origins.items():
        print_indented(console, Text.assemble((f"types {origin}: ", "note"), ", ".join(names)), 2)


def _print_not_run(console: Console, models: Sequence[ModelReport]) -> None:
    found = [(m.name, text) for m in models for text in m.not_run]
    for name, text in found[:_NOT_RUN]:
        print_indented(console, Text.assemble(("not run: ", "warning"), f"{name}: {text}"), 2)
    if len(found) > _NOT_RUN:
        more = f"... and {len(found) - _NOT_RUN} more: --json has them all"
        console.print(Text(f"  {more}", style="faint"))
