"""A plan on a screen: as a tree of folders, or as a table in the order of work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from agent.terminal.questions import print_questions
from tools.findings import Finding
from tools.plan import Plan, Step

if TYPE_CHECKING:
    from agent.checking import DryRun


def print_plan(
    console: Console, plan: Plan, questions: Sequence[Finding], *, form: str = "tree"
) -> None:
    """Prints a plan and the questions that are open."""
    console.print(_title(plan))
    console.print()
    console.print(_tree(plan) if form == "tree" else _table(plan))
    print_questions(console, questions)


def _title(plan: Plan) -> Text:
    number, authored = len(plan.steps), len(plan.authored)
    how = f"{authored} to be authored by a model" if authored else "all compiled from the spec"
    return Text.assemble(
        (f"{plan.pipeline} {plan.version}", "name"), (f"  {number} files, {how}", "faint")
    )


def _tree(plan: Plan) -> Tree:
    root = Tree(Text(".", style="faint"), guide_style="faint", hide_root=True)
    folders: dict[PurePosixPath, Tree] = {PurePosixPath(): root}
    for step in sorted(plan.steps, key=lambda s: s.path):
        path = PurePosixPath(step.path)
        _folder(folders, path.parent).add(_leaf(step, path.name))
    return root


def _folder(folders: dict[PurePosixPath, Tree], path: PurePosixPath) -> Tree:
    if path not in folders:
        parent = _folder(folders, path.parent)
        folders[path] = parent.add(Text(f"{path.name}/", style="faint"))
    return folders[path]


def _leaf(step: Step, name: str) -> Text:
    style = "warning" if step.how == "authored" else "name"
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(name, style=style)
    if step.how == "authored":
        text.append("  authored", style="warning")
    text.append(f"  {step.reason}", style="faint")
    return text


def _table(plan: Plan) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="faint", expand=False)
    for head in ("file", "kind", "how", "why"):
        table.add_column(head, overflow="fold" if head in ("file", "why") else "ellipsis")
    for step in plan.steps:
        style = "warning" if step.how == "authored" else ""
        table.add_row(
            step.path.removeprefix("generated/"),
            step.kind,
            Text(step.how, style=style),
            Text(step.reason, style="faint"),
        )
    return table


_STYLES = {"new": "ok", "changed": "warning", "edited": "bad", "same": "faint"}


def print_dry_run(console: Console, dry: DryRun) -> None:
    """Prints what a run would write."""
    if dry.plan is None:
        return
    console.print(_title(dry.plan))
    console.print()
    for path, change in dry.files:
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append(f"  {change:<8}", style=_STYLES[change])
        line.append(path, style="faint" if change == "same" else "")
        console.print(line)
    for step in dry.plan.authored:
        console.print(Text(f"  model   {step.path}  {step.reason}", style="warning"))
    print_questions(console, dry.questions)
    console.print(Text("\nnothing was written (--dry-run)", style="faint"))
