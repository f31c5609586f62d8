"""What commands list: checks, runs, workflows, rules, the files of a new workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from agent.terminal.console import print_columns, print_indented, sign
from agent.terminal.findings import counted, print_finding
from tools.findings import Report
from tools.rules.coverage import Coverage
from tools.workflow_model import Workflow

if TYPE_CHECKING:
    from agent.init import Made
    from agent.runs import RunRecord


def _heads(*heads: str) -> tuple[Text, ...]:
    return tuple(Text(head, style="faint") for head in heads)


def print_checked(console: Console, report: Report, counts: Mapping[str, int]) -> None:
    """Prints the findings of a check, then how much was looked at."""
    for finding in report:
        print_finding(console, finding)
    if report.findings:
        console.print()
    looked = ", ".join(_plural(number, name) for name, number in counts.items())
    mark = Text(sign(console, ok=report.ok), style="ok" if report.ok else "bad")
    console.print(Text.assemble(mark, f" {looked}: {counted(report)}"))


def _plural(number: int, names: str) -> str:
    return f"{number} {names.removesuffix('s') if number == 1 else names}"


def print_runs(console: Console, records: Sequence[RunRecord]) -> None:
    """Prints runs as a table."""
    if not records:
        console.print("no runs yet; begin with: specmill run SPEC")
        return
    rows = [_heads("run", "began", "how it ended")]
    for record in records:
        began = record.began[:16].replace("T", " ")
        ended = Text(f"interrupted in {record.node or 'the beginning'}", style="warning")
        if record.exit_code is not None:
            style = "ok" if record.exit_code == 0 else "bad"
            ended = Text(f"{record.exit_code}", style=style)
            ended.append(f"  {record.reason}" if record.reason else "  done", style="faint")
        rows.append((Text(record.run, style="name"), Text(began), ended))
    print_columns(console, rows)


def print_workflows(console: Console, workflows: Sequence[Workflow]) -> None:
    """Prints workflows with their steps."""
    for workflow in workflows:
        console.print(Text(workflow.name, style="name"))
        print_indented(console, Text(workflow.description), 2)
        steps = " > ".join(step.name for step in workflow.steps)
        print_indented(console, Text(steps, style="faint"), 2)


def print_workflow(console: Console, workflow: Workflow) -> None:
    """Prints one workflow."""
    console.print(Text(workflow.name, style="name"))
    console.print(Text(workflow.description))
    budget = workflow.budget
    spent = (
        f"{budget.repairs} repairs, {budget.seconds:g} s, {budget.turns} turns, ${budget.money:g}"
    )
    console.print(Text(f"{workflow.path}  budget: {spent}", style="faint"))
    console.print()
    rows = [_heads("step", "kind", "what it does")]
    rows += [
        (Text(step.name, style="name"), Text(step.kind), Text(step.title))
        for step in workflow.steps
    ]
    print_columns(console, rows)


def print_coverage(console: Console, found: Coverage) -> None:
    """Prints which articles a machine enforces."""
    rows = [_heads("rule", "level", "on", "examples", "checked by")]
    last = ""
    for article, rule, level, on, by, examples in found.rows():
        if article != last:
            rows.append((Text(article, style="name"),))
            last = article
        if rule:
            rows.append(tuple(Text(cell) for cell in (f"  {rule}", level, on, examples, by)))
        else:
            rows.append((Text("  not machine-checked", style="warning"),))
    print_columns(console, rows)
    console.print()
    console.print(
        f"{len(found.rules)} rules; {found.machine_checked} articles machine-checked, "
        f"{found.prose_only} prose only"
    )


def print_init(console: Console, made: Made) -> None:
    """Prints what a new workspace holds, and the next two commands."""
    if made.repository:
        console.print(f"{made.root} is a git repository now; nothing is committed")
    folders: dict[str, int] = {}
    for path in made.made:
        top = path.split("/")[0] + ("/" if "/" in path else "")
        folders[top] = folders.get(top, 0) + 1
    for name, number in folders.items():
        files = f"{number} files" if name.endswith("/") else ""
        console.print(Text.assemble((f"  made  {name:<16}", ""), (files, "faint")))
    for path in made.kept:
        console.print(Text(f"  kept  {path} (yours differs from what comes with specmill)"))
    if not made.made and not made.kept:
        console.print("everything was there already")
    console.print("\nnext:")
    console.print(Text(f"  specmill plan {made.example}", style="command"))
    console.print(Text(f"  specmill run {made.example}", style="command"))
