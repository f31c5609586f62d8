"""What the change log and the dimension of one history have in common.

A dbt snapshot compares the source with the table once a run, so it drops rows that come late,
misses changes that fall between two runs, and cannot order two changes of one batch. Here every
change that was ever seen is kept in a log, and the history of a key is worked out anew from its
whole log whenever something was added: the order in which changes arrived cannot matter.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools import layout
from tools.generate.base import Job
from tools.generate.dbt.models import model_of
from tools.generate.dbt.text import quoted
from tools.spec.scope import Col, outputs, relations
from tools.spec.source import SourceTable
from tools.spec.transform import Model
from tools.sql.render import identifier


@dataclass(frozen=True)
class History:
    """The names that the log and the dimension of one model share."""

    job: Job
    model: Model
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    sequence: tuple[str, ...]
    table: SourceTable | None

    @property
    def observed(self) -> bool:
        """Whether a change takes effect when it is first seen, as no column says when."""
        return self.model.load.effective_at is None

    @property
    def by_absence(self) -> bool:
        """Whether a row that a full extract lacks counts as deleted."""
        closes = self.model.load.deletes == "close"
        return closes and self.table is not None and self.table.deletes.how == "absence"

    @property
    def log(self) -> str:
        """The change log as Jinja."""
        return "{{ ref(" + quoted(layout.change_log_name(self.model)) + ") }}"

    @property
    def present(self) -> str:
        """The condition that a row of the log has a key; empty where it surely has."""
        known = {c.name.lower(): c.nullable for c in self._outputs()}
        able = [k for k, n in zip(self.keys, self.model.load.key, strict=True) if known[n.lower()]]
        return " and ".join(f"{k} is not null" for k in able)

    @property
    def may_lack_moment(self) -> bool:
        """Whether a change may come without the moment at which it took effect."""
        name = self.model.load.effective_at
        if name is None:
            return False
        base = relations(self.job.spec, self.model, self.job.others)[self.model.alias]
        found = [c.nullable for c in self._outputs() if c.name.lower() == name.lower()]
        below = base.column(name)
        return found[0] if found else below is None or below.nullable

    def _outputs(self) -> tuple[Col, ...]:
        return outputs(self.job.spec, self.model, self.job.others)

    def latest_first(self) -> list[str]:
        """The order of changes within a key, the one that counts first."""
        return ["_effective_at desc", *self.tie_order()]

    def tie_order(self, table: str = "") -> list[str]:
        """The order of changes at one moment: sequence, then the fuller row, then the digest."""
        sequence = [f"{table}{s} desc nulls last" for s in self.sequence]
        return [*sequence, f"length({table}_known_columns) desc", f"{table}_change_id desc"]


def history_of(job: Job) -> History:
    """The history that a step is about."""
    model = model_of(job)
    base = relations(job.spec, model, job.others)[model.alias]
    names = [c.name for c in outputs(job.spec, model, job.others)]
    return History(
        job,
        model,
        tuple(identifier(k) for k in model.load.key),
        tuple(identifier(n) for n in names),
        tuple(f"_sequence_{n}" for n in range(1, len(model.load.sequence_by) + 1)),
        base.source[1] if base.source else None,
    )


def tracked(h: History) -> tuple[str, ...]:
    """The columns whose change makes a new version."""
    load = h.model.load
    if load.track:
        return tuple(identifier(t) for t in load.track)
    skip = {k.lower() for k in load.key} | {(load.effective_at or "").lower()}
    skip |= {s.lower() for s in load.sequence_by}
    return tuple(c for c in h.columns if c.strip('"').lower() not in skip)


def plain(*names: str) -> tuple[tuple[str, str], ...]:
    """Columns that are taken as they are."""
    return tuple((name, name) for name in names)


def same_key(h: History, left: str, right: str) -> str:
    """The join condition on the key."""
    return "\n    and ".join(f"{left}.{k} = {right}.{k}" for k in h.keys)
