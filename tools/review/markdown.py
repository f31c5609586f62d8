"""The review page of a spec: what a person reads before merging. Pure.

Durations are shown in coarse steps; the exact ones are in the trace of the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tools.artifact import Artifact
from tools.findings import Finding, Severity
from tools.plan import Plan
from tools.review import results as found
from tools.review import words
from tools.review.mermaid import lineage
from tools.review.proof import proof
from tools.review.results import Results
from tools.review.tables import code, codes, count, prose, table
from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.spec.scope import table_columns
from tools.spec.transform import Model

NONE: Final[Mapping[str, Any]] = {}


def render_review(
    *,
    loaded: LoadedSpec,
    plan: Plan,
    artifacts: Sequence[Artifact],
    outcome: Mapping[str, Any],
    constitution_notes: Mapping[str, Sequence[str]] = NONE,
    others: Mapping[str, Spec] = NONE,
    previous: str = "",
) -> str:
    """The page in GitHub-flavoured markdown, with one Mermaid diagram.

    Args:
        loaded: the spec.
        plan: what was to be made.
        artifacts: what was made.
        outcome: the JSON of ``tools.verify.runner.Outcome``.
        constitution_notes: lines under ``checked``, ``waived`` and ``not_checked``; each is
            plain text such as ``A2.R1 join_preserves_grain``.
        others: specs of models that other pipelines make, by model name.
        previous: the page as it is on the branch: where a duration is near an edge between two
            steps, what it said is said again.
    """
    spec, results = loaded.spec, Results.of(outcome)
    sections: list[tuple[str, Iterator[str]]] = [
        ("", _head(loaded, results)),
        ("What it does", _purpose(spec)),
        ("Lineage", iter((f"```mermaid\n{lineage(spec)}```",))),
        ("Models", _models(spec, others)),
        ("Tests", _tests(results, previous)),
        ("Proof", proof(outcome)),
        ("Findings", _findings(results)),
        ("Open questions", _questions(spec, results)),
        ("How the spec was read", _notes(loaded.notes)),
        ("Decisions", _decisions(spec)),
        ("Constitution", _constitution(constitution_notes)),
        ("Files", _files(plan, artifacts)),
        ("Not run", _items(results.not_run)),
    ]
    blocks: list[str] = []
    for title, content in sections:
        written = [block for block in content if block]
        if written:
            blocks += [f"## {title}", *written] if title else written
    return "\n\n".join(blocks) + "\n"


def _head(loaded: LoadedSpec, results: Results) -> Iterator[str]:
    spec = loaded.spec
    yield f"# {prose(spec.pipeline)} {prose(spec.version)}"
    yield prose(spec.description)
    yield _status(spec, results)
    rows = [
        ("spec", f"{code(loaded.path)}, sha256 {code(loaded.digest)}"),
        ("owner", prose(spec.owner or "") or "nobody yet"),
        ("runs", words.schedule(spec.orchestration) or "no schedule"),
        ("tags", codes(spec.tags)),
    ]
    yield table(("", ""), [row for row in rows if row[1]])
    yield "Written by specmill; the next run overwrites what is changed here."


def _status(spec: Spec, results: Results) -> str:
    """What was shown, and nothing beyond it."""
    built = results.ran("build")
    if results.ok and built:
        proved = " and tested" if results.ran("properties") else ""
        line = f"**Built{proved} on DuckDB: {results.tests_in_words()}.**"
    elif results.ok:
        line = "**Checked, not built.**"
    elif results.tiers or not results.report.ok:
        errors = count(len(results.report.errors), "error")
        line = f"**Does not hold: {errors}, {results.tests_in_words()}.**"
    else:
        line = "**Not tested.**"
    kept = [
        f"{code(name)} ({target.platform})"
        for name, target in spec.targets.items()
        if target.platform != "duckdb"
    ]
    if kept:
        line += f" Target {', '.join(kept)} is kept: its profile is written, nothing was run there."
    if spec.open_questions:
        line += f" {count(len(spec.open_questions), 'open question')}."
    return line


def _purpose(spec: Spec) -> Iterator[str]:
    tables = [words.source_table(s, t) for s in spec.sources for t in s.tables]
    if tables:
        yield "Reads:"
        yield "\n".join(f"- {line}" for line in tables)
    made = [
        f"- {code(m.name)} ({m.layer}){f': {prose(m.description)}' if m.description else ''}"
        for m in spec.models
    ]
    if made:
        yield "Makes:"
        yield "\n".join(made)
    used = [
        f"- {code(c.name)} ({c.type}{f', {prose(c.owner)}' if c.owner else ''})"
        f"{f': {prose(c.description)}' if c.description else ''}"
        for c in spec.consumers
    ]
    if used:
        yield "Used by:"
        yield "\n".join(used)


def _models(spec: Spec, others: Mapping[str, Spec]) -> Iterator[str]:
    for model in spec.models:
        yield f"### {code(model.name)}"
        yield prose(model.description)
        yield "\n".join(f"- {item}" for item in words.model(model))
        yield _columns(spec, model, others)
        if model.custom and model.custom.sql_file:
            yield f"Its SQL is written by people: {code(model.custom.sql_file)}."


def _columns(spec: Spec, model: Model, others: Mapping[str, Spec]) -> str:
    origins = _origins(model)
    tests = {c.name.lower(): c.tests for c in model.columns}
    tests |= {m.name.lower(): m.tests for m in model.aggregations}
    added = {model.load.valid_from, model.load.valid_to, model.load.is_current}
    rows = []
    for column in table_columns(spec, model, others):
        name = column.name.lower()
        origin = origins.get(name) or ("load" if column.name in added else "")
        if not origin and not model.columns and not model.is_aggregate:
            origin = code(f"{model.alias}.{column.name}")
        rows.append(
            (
                code(column.name),
                code(column.type or "") or "not known",
                origin or "load",
                "yes" if column.nullable else "no",
                ", ".join(words.column_test(test) for test in tests.get(name, ())),
                "yes" if column.pii else "",
                prose(column.description),
            )
        )
    head = ("column", "type", "from", "nullable", "tests", "pii", "description")
    return table(head, rows) if rows else "Its columns are not known: its source declares none."


def _origins(model: Model) -> dict[str, str]:
    """Where each declared column comes from, as a cell, by lower-case name."""
    origins = {key.rpartition(".")[2].lower(): f"{code(key)} (group)" for key in model.group_by}
    for measure in model.aggregations:
        origins[measure.name.lower()] = code(measure.expr)
    for column in model.columns:
        source = column.from_ or f"{model.alias}.{column.name}"
        text = code(column.expr or source)
        if column.expr and "{from}" in column.expr:
            text += f" of {code(source)}"
        origins[column.name.lower()] = text
    return origins


def _tests(results: Results, previous: str) -> Iterator[str]:
    yield found.tiers(results, previous)
    yield found.nodes(results)
    if results.failures:
        yield "Did not pass:"
        yield from found.failures(results)


def _findings(results: Results) -> Iterator[str]:
    shown = (Severity.ERROR, Severity.WARNING)
    yield from found.findings([f for f in results.report if f.severity in shown])


def _questions(spec: Spec, results: Results) -> Iterator[str]:
    rows = [
        (code(q.about), prose(q.question), prose(q.assumption) or "none", q.blocks)
        for q in spec.open_questions
    ]
    asked = [q.question for q in spec.open_questions]
    for finding in results.report.questions:
        if not any(question in finding.message for question in asked):
            about = code(finding.subject) or code(str(finding.location or ""))
            rows.append(
                (about, prose(finding.message), prose(finding.hint) or "none", "production")
            )
    if rows:
        yield table(("about", "question", "assumed until answered", "blocks"), rows)


def _notes(notes: Sequence[Finding]) -> Iterator[str]:
    read = [note for note in notes if note.severity is Severity.NOTE]
    lines = [
        f"- {f'{code(str(note.location))}: ' if note.location else ''}{prose(note.message)}"
        for note in read
    ]
    yield "\n".join(lines)


def _decisions(spec: Spec) -> Iterator[str]:
    rows = [(d.date.isoformat(), prose(d.who), prose(d.what), prose(d.why)) for d in spec.decisions]
    if rows:
        yield table(("date", "who", "what", "why"), rows)


def _constitution(notes: Mapping[str, Sequence[str]]) -> Iterator[str]:
    titles = {
        "checked": "Checked",
        "waived": "Waived",
        "not_checked": "Not machine-checked, for the reader to judge",
    }
    for key, title in titles.items():
        if notes.get(key):
            yield f"{title}:"
            yield from _items(notes[key])


def _files(plan: Plan, artifacts: Sequence[Artifact]) -> Iterator[str]:
    why = {step.path: step.reason for step in plan.steps}
    rows = [
        (code(made.path), made.origin, prose(_why(made, why.get(made.path, ""))))
        for made in sorted(artifacts, key=lambda made: made.path)
    ]
    if rows:
        yield table(("file", "origin", "why"), rows)
    have = {made.path for made in artifacts}
    waiting = plan.waiting()
    missing = [
        f"- {code(step.path)}: "
        + prose(
            f"needs a model, {step.reason}"
            if step.how == "authored"
            else f"waits for {waiting[step.id]}"
            if step.id in waiting
            else "was not made"
        )
        for step in plan.steps
        if step.path not in have
    ]
    if missing:
        yield "Not made:"
        yield "\n".join(missing)


def _why(made: Artifact, reason: str) -> str:
    """Why a file is there, and which model wrote it, if one did."""
    by = f"by {made.by.model}, run {made.by.run}" if made.by else ""
    return "; ".join(part for part in (reason, by) if part)


def _items(lines: Sequence[str]) -> Iterator[str]:
    yield "\n".join(f"- {prose(line)}" for line in lines)
