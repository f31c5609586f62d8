"""A repair on a screen: what happens while it does, then what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from agent.terminal.console import print_columns, print_indented, sign
from agent.terminal.findings import print_findings

if TYPE_CHECKING:
    from agent.repair_job import Outcome

_DIFF_LINES = 200
_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def print_event(console: Console, event: Mapping[str, Any]) -> None:
    """An event of a model at work, in a line or two."""
    line = _line(event)
    if line:
        text = Text(line)
        text.truncate(console.width, overflow="ellipsis")
        console.print(text, soft_wrap=True)


def _line(event: Mapping[str, Any]) -> str:
    match event["event"]:
        case "repair":
            with_changes = ", with what is not committed" if event["uncommitted"] else ""
            also = f" (--with {event['also']} for the other tests)" if event["also"] else ""
            return f"{event['because']}: {event['where']}{with_changes}{also}"
        case "tests":
            return f"tests: {event['says']} ({event['seconds']:.1f} s)"
        case "call":
            return f"  {event['name']} {event['about']}".rstrip()
        case "refused":
            return f"  refused: {event['name']} {event['about']}: {event['why']}"
        case "interrupted" if event["branch"]:
            return f"what was done until then is on the branch {event['branch']}"
        case "retry":
            return f"  the model's answer begins again: {event['why']}"
        case _:
            return ""


def print_repair(out: Console, outcome: Outcome) -> None:
    """How a repair ended: findings that are left, the diff, the proof, what to do with it."""
    proof = outcome.proof
    if proof.findings:
        print_findings(out, proof.findings)
    if outcome.diff:
        print_diff(out, outcome.diff)
    if outcome.rounds:
        _print_proof(out, outcome)
    if outcome.said:
        print_indented(out, Text(f"the model says: {outcome.said}", style="faint"), 0)
    ok = outcome.exit_code == 0
    out.print(Text(f"{sign(out, ok=ok)} {outcome.reason}", style="ok" if ok else "bad"))
    if outcome.remedy:
        print_indented(out, Text(f"→ {outcome.remedy}"), 0)
    if outcome.branch:
        what = "the result is" if ok else "what was tried is"
        out.print(Text(f"{what} on the branch {outcome.branch}"))
        if ok:
            out.print(Text(f"→ merge it with: {outcome.merge}"), soft_wrap=True)
        else:
            out.print(Text(f"→ look at it with: git diff {outcome.base[:12]} {outcome.branch}"))


def print_diff(out: Console, diff: str) -> None:
    """A unified diff; a long one is cut, and said to be."""
    lines = diff.splitlines()
    for line in lines[:_DIFF_LINES]:
        plain = line.startswith(("+++", "---"))
        style = "name" if plain else _STYLES.get(line[:1], "")
        out.print(Text(line, style=style), soft_wrap=True)
    if len(lines) > _DIFF_LINES:
        out.print(Text(f"... {len(lines) - _DIFF_LINES} more lines (--json has them all)"))


def _print_proof(out: Console, outcome: Outcome) -> None:
    proof, spent = outcome.proof, outcome.spent
    rows = [("tests before", proof.before.says), ("tests now", proof.after.says)]
    rows += [(f"rows of {name}", f"{_count(old)} → {_count(new)}") for name, old, new in proof.rows]
    cached = spent.usage.cache_read
    tokens = f"{spent.usage.total:,} tokens, {cached:,} of them from the cache"
    rows.append(("spent", f"{spent.turns} turns, {tokens}, ${spent.money:.4f}"))
    print_columns(out, rows)
    for line in outcome.refused:
        print_indented(out, Text(f"refused: {line}", style="warning"), 0)


def _count(number: int | None) -> str:
    return "none built" if number is None else f"{number:,}"
