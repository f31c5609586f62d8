"""The lineage of a spec as a Mermaid flowchart: sources, staging, change logs, models, consumers.

Written to https://mermaid.js.org/syntax/flowchart.html: identifiers are of letters, digits and
underscores with a prefix (so none is a keyword such as ``end``), labels are quoted, and whatever
could be syntax in them is a numeric entity (``#35;``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from tools import layout
from tools.plan import read_tables, why_authored
from tools.review.tables import one_line
from tools.spec.context import Consumer
from tools.spec.model import Spec
from tools.spec.scope import outputs
from tools.spec.transform import Model

_MOST = 60  # characters of a label that still read well in a box
_STEM = 24  # characters of a name that an identifier keeps
_LITERAL = re.compile(r"[^\w .,:()/+-]")


@dataclass
class _Chart:
    """Nodes by (kind, name) in groups, and edges between them, each once and in order."""

    ids: dict[tuple[str, str], str] = field(default_factory=dict)
    groups: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    edges: dict[tuple[str, str], None] = field(default_factory=dict)

    def node(self, kind: str, name: str, group: tuple[str, str], label: str, shape: str) -> str:
        """The identifier of a node; it is declared in its group the first time."""
        key = (kind, name)
        if key not in self.ids:
            stem = f"{kind}_{re.sub(r'[^A-Za-z0-9]+', '_', name)[:_STEM].strip('_')}".rstrip("_")
            taken = {*self.ids.values()}
            free = (f"{stem}_n{number}" for number in count(2))
            self.ids[key] = stem if stem not in taken else next(i for i in free if i not in taken)
            opening, closing = shape.split("|")
            text = f'{self.ids[key]}{opening}"{label}"{closing}'
            self.groups.setdefault(group, []).append(text)
        return self.ids[key]

    def edge(self, start: str, end: str) -> None:
        """An arrow between two nodes."""
        self.edges[start, end] = None

    def lines(self) -> Iterator[str]:
        """The text of the chart."""
        yield "flowchart LR"
        for group, title in _GROUPS.items():
            for (kind, name), nodes in self.groups.items():
                if kind != group:
                    continue
                number = [key for key in self.groups if key[0] == kind].index((kind, name))
                yield f'    subgraph layer_{kind}{number or ""}["{escaped(title.format(name))}"]'
                yield from (f"        {node}" for node in nodes)
                yield "    end"
        yield from (f"    {start} --> {end}" for start, end in self.edges)


_GROUPS = {
    "source": "source {}",
    "elsewhere": "other pipelines",
    "staging": "staging",
    "intermediate": "intermediate",
    "log": "change logs",
    "marts": "marts",
    "consumers": "consumers",
}
_BOX, _STORE, _ROUND = "[|]", "[(|)]", "([|])"


def escaped(text: str) -> str:
    """Text for a quoted Mermaid label: one line, cut to 60 characters, special ones as entities."""
    line = one_line(text)
    short = line if len(line) <= _MOST else f"{line[: _MOST - 3]}..."
    return _LITERAL.sub(lambda found: f"#{ord(found.group())};", short)


def lineage(spec: Spec) -> str:
    """The flowchart of a spec; the same spec gives the same text.

    A consumer without models is drawn from the models that have one of its columns, and one that
    names neither from every model that no other model of the spec reads.
    """
    chart = _Chart()
    staged = read_tables(spec, tuple(spec.models))
    for model in spec.models:
        for reference in (model.from_, *(join.to for join in model.joins)):
            _read(chart, spec, model, reference, staged)
    for source in spec.sources:
        for table in source.tables:
            _source(chart, source.name, table.name)
    for model in spec.models:
        _model(chart, model)
    for consumer in spec.consumers:
        label = f"{escaped(consumer.name)} ({consumer.type})"
        end = chart.node("use", consumer.name, ("consumers", ""), label, _ROUND)
        for model in _consumed(spec, consumer):
            chart.edge(_model(chart, model), end)
    return "\n".join(chart.lines()) + "\n"


def _source(chart: _Chart, source: str, table: str) -> str:
    name = f"{source}.{table}"
    return chart.node("src", name, ("source", source), escaped(name), _STORE)


def _model(chart: _Chart, model: Model) -> str:
    return chart.node("model", model.name, (model.layer, ""), escaped(model.name), _BOX)


def _read(
    chart: _Chart, spec: Spec, model: Model, reference: str, staged: dict[tuple[str, str], bool]
) -> None:
    """Draw what a model reads, through the staging model and the change log there are."""
    end = _model(chart, model)
    by_people = model.custom is not None and model.custom.sql_file is not None
    if model.load.strategy == "scd2" and not by_people and why_authored(model) is None:
        log = layout.change_log_name(model)
        start = chart.node("log", log, ("log", ""), escaped(log), _BOX)
        chart.edge(start, end)
        end = start
    found, own = spec.source_table(reference), spec.model_named(reference)
    if found is not None:
        source, table = found
        start = _source(chart, source.name, table.name)
        if model.layer != "staging" and staged.get((source.name, table.name)):
            name = layout.staging_name(source, table)
            between = chart.node("model", name, ("staging", ""), escaped(name), _BOX)
            chart.edge(start, between)
            start = between
    elif own is not None:
        start = _model(chart, own)
    else:
        start = chart.node("other", reference, ("elsewhere", ""), escaped(reference), _BOX)
    chart.edge(start, end)


def _consumed(spec: Spec, consumer: Consumer) -> list[Model]:
    """The models of this spec that a consumer reads."""
    if consumer.models:
        return [model for model in spec.models if model.name in consumer.models]
    wanted = {column.rsplit(".", 1)[-1].lower() for column in consumer.columns}
    having = [m for m in spec.models if wanted & {c.name.lower() for c in outputs(spec, m)}]
    read = {r.lower() for m in spec.models for r in (m.from_, *(join.to for join in m.joins))}
    last = [model for model in spec.models if model.name.lower() not in read]
    return [m for m in having if m in last] or having or last
