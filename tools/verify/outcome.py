"""What a verification found, in a form that can be stored and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from tools.findings import Report

NodeKind = Literal["model", "test", "unit_test", "source", "seed"]
NODE_KINDS: tuple[str, ...] = get_args(NodeKind)


@dataclass(frozen=True)
class Tier:
    """One tier of the proof: what it is called, how long it took, whether it held."""

    name: str
    seconds: float
    ok: bool
    summary: str


@dataclass(frozen=True)
class NodeResult:
    """What dbt did with one node.

    Args:
        name: of the node.
        kind: model, test, ...
        status: dbt's word: success, error, pass, fail, warn, skipped.
        seconds: wall-clock time.
        message: without dbt's decoration; empty when there is nothing to say.
        model: the model that a test is about; the model itself for models.
    """

    name: str
    kind: NodeKind
    status: str
    seconds: float
    message: str
    model: str


@dataclass(frozen=True)
class Outcome:
    """The whole verification; ``not_run`` lists what was not checked, and why."""

    report: Report
    tiers: tuple[Tier, ...] = ()
    nodes: tuple[NodeResult, ...] = ()
    not_run: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing that was run failed."""
        return self.report.ok and all(t.ok for t in self.tiers)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` reads it back."""
        return {
            "ok": self.ok,
            "report": self.report.to_json(),
            "tiers": [asdict(t) for t in self.tiers],
            "nodes": [asdict(n) for n in self.nodes],
            "not_run": list(self.not_run),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Outcome:
        """The inverse of ``to_json``."""
        return Outcome(
            Report.from_json(data["report"]),
            tuple(Tier(**t) for t in data["tiers"]),
            tuple(NodeResult(**n) for n in data["nodes"]),
            tuple(data["not_run"]),
        )
