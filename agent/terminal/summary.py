"""The end of a run on a screen: what holds, what is open, where to look. 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from agent.terminal.console import print_columns, print_indented, sign
from agent.terminal.findings import print_findings
from agent.terminal.questions import print_questions
from agent.terminal.verdicts import print_explained, print_verdicts
from tools.findings import Finding, Severity
from tools.verify.outcome import unchanged

if TYPE_CHECKING:
    from agent.result import Result
    from agent.verifying import Verified

_FINE = frozenset({"success", "pass", "no-op"})
_KINDS = (
    ("model", "model", "built"),
    ("test", "test", "passed"),
    ("unit_test", "unit test", "passed"),
)
_WARNINGS = 6
_VERDICTS = {0: "done", 3: "waits for you", 4: "compiled, the rest needs a model"}

Row = tuple[Text, ...]


def print_summary(console: Console, result: Result) -> None:
    """Prints how a run ended."""
    state: Mapping[str, Any] = result.state
    _print_head(console, result)
    print_columns(console, _steps(console, state), gap=1)
    _print_not_run(console, state.get("outcome", {}))
    shown = [f for f in result.findings if f.severity in (Severity.ERROR, Severity.WARNING)]
    questions = _unsaid(result.questions, shown)
    if result.waits:
        questions = [f for f in result.findings if f.severity is Severity.QUESTION]
    if shown and result.exit_code in (0, 4):
        _print_warnings(console, shown)
    elif shown:
        console.print()
        print_findings(console, shown)
    print_questions(console, questions)
    _print_target(console, state)
    if result.exit_code in (0, 4):
        _print_where(console, state)
    if result.reason:
        console.print()
        print_indented(console, Text(result.reason, style=_style(result.exit_code)), 0)
        if result.remedy:
            print_indented(console, Text(f"→ {result.remedy}"), 0)


def _print_warnings(console: Console, warnings: Sequence[Finding]) -> None:
    """Warnings of a run that holds, a line each: the review page has the rest."""
    console.print()
    rows = [
        (Text(f.code, style="warning"), Text(str(f.location or ""), style="path"), Text(f.message))
        for f in warnings[:_WARNINGS]
    ]
    title = "1 warning" if len(warnings) == 1 else f"{len(warnings)} warnings"
    console.print(Text(title, style="warning"))
    print_columns(console, rows, indent=2)
    if len(warnings) > _WARNINGS:
        more = f"... and {len(warnings) - _WARNINGS} more on the review page"
        console.print(Text(f"  {more}", style="faint"))


def _unsaid(questions: Sequence[Finding], shown: Sequence[Finding]) -> list[Finding]:
    said = {finding.message for finding in shown}
    return [question for question in questions if question.message not in said]


def _style(exit_code: int) -> str:
    return {0: "ok", 3: "warning", 4: "warning"}.get(exit_code, "bad")


def _print_head(console: Console, result: Result) -> None:
    state: Mapping[str, Any] = result.state
    name = f"{state['pipeline']} {state['version']}"
    seconds = sum(state.get("seconds", {}).values())
    said = _VERDICTS.get(result.exit_code, "stopped")
    title = Text.assemble(
        (name, "name"), "  ", (said, _style(result.exit_code)), (f" in {seconds:.1f} s", "faint")
    )
    console.print(Rule(title, align="left", style="faint"))


def _steps(console: Console, state: Mapping[str, Any]) -> list[Row]:
    """A row for each step that is over, and one for each tier of the test."""
    stopped = state.get("stop") or any(f["severity"] == "error" for f in state.get("findings", []))
    seconds: Mapping[str, float] = state.get("seconds", {})
    rows: list[Row] = []
    for number, (node, spent) in enumerate(seconds.items(), 1):
        ok = not (stopped and number == len(seconds)) and not _failed(node, state)
        rows.append(
            (
                Text(sign(console, ok=ok), style="ok" if ok else "bad"),
                Text(node, style="name"),
                Text(f"{spent:.1f} s", justify="right"),
                Text(f" {_detail(node, state)}"),
            )
        )
        if node == "test":
            rows += _tiers(state.get("outcome", {}))
    return rows


def _print_not_run(console: Console, outcome: Mapping[str, Any]) -> None:
    for name in outcome.get("not_run", []):
        print_indented(console, Text.assemble(("not run: ", "warning"), name), 2)


def _failed(node: str, state: Mapping[str, Any]) -> bool:
    return node == "test" and not all(t["ok"] for t in state.get("outcome", {}).get("tiers", []))


def _tiers(outcome: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = []
    for tier in outcome.get("tiers", []):
        style = "faint" if tier["ok"] else "bad"
        since = f", {unchanged(tier['since'])}" if tier.get("since") else ""
        rows.append(
            (
                Text(""),
                Text(f"  {tier['name']}", style="faint"),
                Text(f"{tier['seconds']:.1f} s", style="faint", justify="right"),
                Text(f" {tier['summary']}{since}", style=style),
            )
        )
    return rows


def _detail(node: str, state: Mapping[str, Any]) -> str:
    """What came of a step."""
    built = counts(state.get("outcome", {}).get("nodes", [])) if node == "test" else ""
    return built or str(state.get("details", {}).get(node, ""))


def counts(nodes: Sequence[Mapping[str, Any]]) -> str:
    """Such as ``3 models built, 34 tests passed``; ``33 of 34 tests passed``."""
    parts = []
    for kind, name, verb in _KINDS:
        found = [node for node in nodes if node["kind"] == kind]
        if found:
            fine = sum(node["status"] in _FINE for node in found)
            number = str(len(found)) if fine == len(found) else f"{fine} of {len(found)}"
            parts.append(f"{number} {name}{'' if len(found) == 1 else 's'} {verb}")
    return ", ".join(parts)


def _print_target(console: Console, state: Mapping[str, Any]) -> None:
    kept = ", ".join(state.get("targets", ()))
    if kept and "files" in state:
        console.print()
        text = f"built and tested was the DuckDB form; the target {kept} is kept, with its profile"
        print_indented(console, Text(text), 0)


def _print_where(console: Console, state: Mapping[str, Any]) -> None:
    branch, tree = state.get("branch", ""), state.get("tree", ".")
    page = f"{'' if tree == '.' else f'{tree}/'}{state.get('review', '')}"
    rows = [("review page", page)] if state.get("review") else []
    if branch and state.get("related", True):
        rows = [("look at it", f"git diff HEAD...{branch}"), *rows]
        rows += [("take it", f"git merge {branch}")]
    elif branch:
        rows = [("look at it", f"git show {branch}"), *rows]
        rows += [] if state.get("base") else [("take it", 'git add . && git commit -m "Start"')]
        rows += [("", f"git merge --allow-unrelated-histories {branch}")]
    console.print()
    print_columns(console, [(Text(a, style="faint"), Text(b, style="command")) for a, b in rows])


def print_verified(console: Console, verified: Verified, explain: str = "") -> None:
    """Prints what the checks of one pipeline said; of one model in full."""
    outcome, report = verified.outcome.to_json(), verified.outcome.report
    head = Text(sign(console, ok=report.ok), style="ok" if report.ok else "bad")
    head.append(f" {verified.pipeline}", style="name")
    head.append(f"  {counts(outcome['nodes'])}")
    head.append(f"  (code in {verified.tree}/generated)", style="faint")
    console.print(head, soft_wrap=True)
    print_columns(console, _tiers(outcome), gap=1)
    _print_not_run(console, outcome)
    if explain:
        print_explained(console, verified.outcome, explain)
    else:
        print_verdicts(console, verified.outcome, verified.proposals)
    shown = [f for f in report if f.severity in (Severity.ERROR, Severity.WARNING)]
    if shown:
        print_findings(console, shown)
