"""What surrounds the models: open questions, checks, freshness, schedule, consumers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo, available_timezones

from tools.findings import Finding, Severity
from tools.spec import cron
from tools.spec.checks.columns import resolve
from tools.spec.checks.expressions import of_one_row
from tools.spec.checks.parts import Expression
from tools.spec.checks.view import SpecView, has
from tools.spec.edges import Path
from tools.spec.scope import Relation
from tools.spec.suggest import did_you_mean, nearest

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def open_questions(of: SpecView) -> Iterator[Finding]:
    """SPEC-ASK: what the spec itself leaves open."""
    for i, asked in enumerate(of.spec.open_questions):
        assumed = f"; assumed: {asked.assumption}" if asked.assumption else ""
        message = f"{asked.about}: {asked.question}{assumed}"
        blocks = "the build" if asked.blocks == "build" else "production"
        hint = f"answer it in the spec and remove it; it blocks {blocks}"
        path: Path = ("open_questions", i)
        yield of.find("SPEC-ASK", Severity.QUESTION, message, path, hint, asked.about)


def checks(of: SpecView) -> Iterator[Finding]:
    """SPEC090 and the codes of expressions, for ``validation.checks``."""
    for i, check in enumerate(of.spec.validation.checks):
        path: Path = ("validation", "checks", i)
        table = of.table(check.model)
        if of.spec.model_named(check.model) is None or table is None:
            yield unknown_model(of, f"check {check.name}", check.model, (*path, "model"))
            continue
        about = f"check {check.name}"
        yield from on_table(of, check.expr, table, (*path, "expr"), about)


def freshness(of: SpecView) -> Iterator[Finding]:
    """SPEC090 and SPEC093: a table that is declared, a column that dates its rows, an age."""
    for i, fresh in enumerate(of.spec.validation.freshness):
        path: Path = ("validation", "freshness", i)
        found = of.spec.source_table(fresh.table)
        if found is None:
            tables = [f"{s.name}.{t.name}" for s in of.spec.sources for t in s.tables]
            message = f"freshness of {fresh.table}, which is no source table of this spec"
            hint = did_you_mean(fresh.table, tables)
            yield of.find("SPEC090", Severity.ERROR, message, (*path, "table"), hint, fresh.table)
        elif found[1].loaded_at is None and found[1].cursor is None:
            message = f"freshness of {fresh.table}, which names no column that dates its rows"
            hint = "declare loaded_at or cursor on the source table"
            yield of.find("SPEC093", Severity.ERROR, message, (*path, "table"), hint, fresh.table)
        if fresh.warn_after is None and fresh.error_after is None:
            message = f"freshness of {fresh.table} gives no age"
            hint = "write warn_after or error_after, such as 6h"
            yield of.find("SPEC093", Severity.ERROR, message, path, hint, fresh.table)
        elif (
            fresh.warn_after is not None
            and fresh.error_after is not None
            and seconds(fresh.warn_after) > seconds(fresh.error_after)
        ):
            message = f"freshness of {fresh.table} warns after it has failed"
            hint = "let warn_after be shorter than error_after"
            yield of.find("SPEC093", Severity.ERROR, message, path, hint, fresh.table)


def seconds(duration: str) -> int:
    """A duration such as ``30m`` in seconds."""
    match = re.fullmatch(r"(\d+)\s*([smhdw])", duration)
    return int(match[1]) * _SECONDS[match[2]] if match else 0


def schedule(of: SpecView) -> Iterator[Finding]:
    """SPEC091 and SPEC092: a schedule that a scheduler reads, in a timezone that exists."""
    orchestration = of.spec.orchestration
    text = orchestration.schedule
    if text is not None and (wrong := cron.problem(text)):
        message = f"the schedule {text!r} is no cron expression: {wrong}"
        hint = "write five fields such as '0 6 * * *', or a preset such as @hourly"
        yield of.find("SPEC091", Severity.ERROR, message, ("orchestration", "schedule"), hint)
    if not _is_timezone(orchestration.timezone):
        message = f"there is no timezone {orchestration.timezone!r}"
        hint = "write a name of the tz database, such as UTC or Europe/Berlin"
        yield of.find("SPEC092", Severity.ERROR, message, ("orchestration", "timezone"), hint)


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # A machine without a tz database knows none, and cannot say that a name is wrong.
        return name == "UTC" or not available_timezones()
    return True


def depends_on(of: SpecView) -> Iterator[Finding]:
    """SPEC081: a pipeline does not wait for itself."""
    for i, name in enumerate(of.spec.orchestration.depends_on):
        if name.lower() == of.spec.pipeline.lower():
            message = f"the pipeline {name} depends on itself"
            path = ("orchestration", "depends_on", i)
            yield of.find("SPEC081", Severity.ERROR, message, path, "drop it")


def consumers(of: SpecView) -> Iterator[Finding]:
    """SPEC090: consumers use models and columns that exist."""
    for i, consumer in enumerate(of.spec.consumers):
        path: Path = ("consumers", i)
        tables: list[Relation] = []
        for k, name in enumerate(consumer.models):
            table = of.table(name)
            if table is None:
                what = f"consumer {consumer.name}"
                yield unknown_model(of, what, name, (*path, "models", k))
            else:
                tables.append(table)
        if len(tables) < max(1, len(consumer.models)) or not all(t.known for t in tables):
            continue
        for k, column in enumerate(consumer.columns):
            if not any(has(t.columns, column) for t in tables):
                known = [c.name for t in tables for c in t.columns]
                yield of.find(
                    "SPEC090",
                    Severity.ERROR,
                    f"consumer {consumer.name} uses {column}, which is no column of "
                    f"{', '.join(t.ref for t in tables)}",
                    (*path, "columns", k),
                    did_you_mean(column, known),
                    consumer.name,
                )


def names(of: SpecView) -> Iterator[Finding]:
    """SPEC095: what becomes a test, an exposure or an example has a name of its own."""
    spec = of.spec
    named: list[tuple[str, Path, str]] = []
    checked = enumerate(spec.validation.checks)
    named += [("check", ("validation", "checks", i), c.name) for i, c in checked]
    named += [("consumer", ("consumers", i), c.name) for i, c in enumerate(spec.consumers)]
    for kind in ("entities", "dimensions", "measures", "metrics", "terms"):
        items = enumerate(getattr(spec.semantic, kind))
        named += [(kind, ("semantic", kind, i), item.name) for i, item in items]
    for i, model in enumerate(spec.models):
        examples = enumerate(model.examples)
        kind = f"example of {model.name}"
        named += [(kind, ("models", i, "examples", k), e.name) for k, e in examples]
    seen: set[tuple[str, str]] = set()
    for kind, path, name in named:
        if (kind, name.lower()) in seen:
            message = f"{kind} {name} is given twice"
            yield of.find("SPEC095", Severity.ERROR, message, (*path, "name"), "rename one", name)
        seen.add((kind, name.lower()))


def unknown_model(of: SpecView, what: str, name: str, path: Path) -> Finding:
    """SPEC090 about the name of a model that nobody makes."""
    models = [*(m.name for m in of.spec.models), *of.others]
    near = nearest(name, models)
    hint = did_you_mean(name, models) if near else "name a model of this spec or of another one"
    message = f"{what} names {name}, and no spec makes that model"
    return of.find("SPEC090", Severity.ERROR, message, path, hint, name)


def on_table(of: SpecView, text: str, table: Relation, path: Path, about: str) -> Iterator[Finding]:
    """The codes of expressions, for one over the columns of a table that is made."""
    e = Expression(
        of=of,
        path=path,
        text=text,
        scope={table.alias: table},
        home=table.alias,
        place="predicate",
        about=about,
        subject=table.ref,
    )
    yield from of_one_row(e)
    for reference in e.references():
        yield from resolve(of, reference)


SPEC_RULES = (open_questions, checks, freshness, schedule, depends_on, consumers, names)
