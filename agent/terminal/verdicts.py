"""What was shown of each model, column by column, on a screen of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from agent.terminal.console import print_columns, print_indented
from agent.terminal.rows import print_rows
from tools.verify.outcome import Outcome, Strength, Survivor, Verdict, unchanged

_STYLES = {"TESTED": "ok", "REFUTED": "bad", "UNVERIFIED": "warning"}
_SURVIVORS = 3


def print_verdicts(console: Console, outcome: Outcome, proposals: str = "") -> None:
    """Prints a line for each model, then the columns that are not as the others.

    Args:
        console: where to.
        outcome: what was found.
        proposals: the file with proposed unit tests; empty if there is none.
    """
    models = list(dict.fromkeys(v.model for v in outcome.verdicts))
    if not models:
        return
    strengths = {s.model: s for s in outcome.strengths}
    heads = ["model", "columns", "verdict"]
    if strengths:
        heads += ["proof", "tests"]
    more = any(s.proposed for s in outcome.strengths)
    if more:
        heads.append("proposed")
    rows = [[Text(h, style="faint") for h in heads]]
    rows += [
        _row([v for v in outcome.verdicts if v.model == model], strengths.get(model), more=more)
        for model in models
    ]
    console.print()
    print_columns(console, rows, indent=2)
    for verdict in outcome.verdicts:
        if verdict.kind != "TESTED":
            line = Text(f"{verdict.model}.{verdict.column} ", style="name")
            line.append(verdict.kind, style=_STYLES[verdict.kind])
            line.append(f" {verdict.reason}")
            print_indented(console, line, 2)
    _print_former(console, outcome.verdicts)
    _print_rates(console, outcome.strengths, proposals)
    _print_survivors(console, outcome.strengths)


def _print_former(console: Console, verdicts: Sequence[Verdict]) -> None:
    """What was shown by a former run, and is as it was: since when."""
    every = len({v.model for v in verdicts})
    for since in sorted({v.since for v in verdicts if v.since}):
        models = list(dict.fromkeys(v.model for v in verdicts if v.since == since))
        named = "all models" if len(models) == every else ", ".join(models)
        text = f"{unchanged(since)}, not proved again: {named}"
        print_indented(console, Text(text, style="faint"), 2)


def _row(verdicts: Sequence[Verdict], strength: Strength | None, *, more: bool) -> list[Text]:
    kinds = {v.kind for v in verdicts}
    worst = next(k for k in ("REFUTED", "TESTED", "UNVERIFIED") if k in kinds)
    tested = [v for v in verdicts if v.kind == "TESTED"]
    said = Text(worst, style=_STYLES[worst])
    if worst == "TESTED":
        number = min(v.datasets for v in tested)
        said.append(f" on {number} data set{'' if number == 1 else 's'}", style="")
    cells = [Text(verdicts[0].model, style="name"), Text(f"{len(tested)}/{len(verdicts)}"), said]
    if strength is not None:
        cells += [Text(rate(strength.rate)), Text(rate(strength.shipped_rate))]
    if strength is not None and more:
        cells.append(Text(rate(strength.proposed_rate) if strength.proposed else ""))
    return cells


def rate(value: float | None) -> str:
    """A share as people say it; never 100% when something is left."""
    if value is None:
        return "-"
    return "100%" if value == 1 else f"{min(99, int(value * 100))}%"


def _print_rates(console: Console, strengths: Sequence[Strength], proposals: str) -> None:
    """Both rates in words: what the proof tells apart, and what the shipped tests notice."""
    killed = sum(s.killed for s in strengths)
    tried = killed + sum(s.undecided for s in strengths)
    left = sum(s.not_tried for s in strengths)
    if not tried and not left:
        return
    text = f"proof: {killed} of {tried} planted faults are told from the code"
    if left:
        text += f"; for {left} there was no time"
    console.print()
    print_indented(console, Text(text), 2)
    held = sum(s.shipped_tried for s in strengths)
    if not held:
        return
    shipped = sum(s.shipped_killed for s in strengths)
    text = f"tests of the project: notice {rate(shipped / held)} of {held} faults that change rows"
    number = sum(s.proposed for s in strengths)
    if number:
        after = rate(sum(max(s.proposed_killed, s.shipped_killed) for s in strengths) / held)
        plural = "" if number == 1 else "s"
        text += f"; with {number} proposed unit test{plural} {after}"
    print_indented(console, Text(text), 2)
    if proposals:
        print_indented(console, Text("see ") + Text(proposals, style="command"), 2)


def _print_survivors(console: Console, strengths: Sequence[Strength]) -> None:
    survivors = [(s.model, found) for s in strengths for found in s.survivors]
    undecided = sum(s.undecided for s in strengths)
    for model, survivor in survivors[:_SURVIVORS]:
        line = Text(f"survives in {model}: ", style="warning")
        print_indented(console, line + Text(_said(survivor)), 2)
    if undecided > _SURVIVORS:
        more = f"... and {undecided - _SURVIVORS} more: specmill verify --explain MODEL"
        console.print(Text(f"  {more}", style="faint"))


def _said(survivor: Survivor) -> str:
    return f"{survivor.description} ({survivor.operator})"


def print_explained(console: Console, outcome: Outcome, model: str) -> None:
    """Prints what is known of one model: columns, witnesses, surviving faults, every row."""
    verdicts = [v for v in outcome.verdicts if v.model.lower() == model.lower()]
    if not verdicts:
        console.print(Text(f"  no column of a model {model} was looked at", style="faint"))
    else:
        console.print()
    for verdict in verdicts:
        line = Text(f"{verdict.column}  ", style="name")
        line.append(verdict.kind, style=_STYLES[verdict.kind])
        line.append(f"  {_strength_of(verdict)}")
        print_indented(console, line, 2)
    for text in dict.fromkeys(v.witness for v in verdicts if v.witness):
        console.print()
        _print_block(console, text)
    mine = [s for s in outcome.strengths if s.model.lower() == model.lower()]
    for survivor in (found for s in mine for found in s.survivors):
        console.print()
        print_indented(console, Text(f"survives: {_said(survivor)}", style="warning"), 2)
        _print_block(console, survivor.diff)
    print_rows(console, outcome.rows)


def _strength_of(verdict: Verdict) -> str:
    if verdict.kind != "TESTED":
        return verdict.reason
    text = f"{verdict.datasets} data sets"
    if verdict.since:
        text += f" ({unchanged(verdict.since)})"
    return text if verdict.killed is None else f"{text}, {rate(verdict.killed)} of faults killed"


def _print_block(console: Console, text: str) -> None:
    for line in text.splitlines():
        console.print(Text(f"    {line}"), soft_wrap=True)
