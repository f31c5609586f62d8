"""What a verification found, in a form that can be stored and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from tools.findings import Report

NodeKind = Literal["model", "test", "unit_test", "source", "seed"]
VerdictKind = Literal["TESTED", "REFUTED", "UNVERIFIED"]
NODE_KINDS: tuple[str, ...] = get_args(NodeKind)


def unchanged(since: str) -> str:
    """Since when something is as it was (ISO 8601, UTC), for people; nothing if that is empty."""
    return f"unchanged since {since[:16].replace('T', ' ')} UTC" if since else ""


@dataclass(frozen=True)
class Tier:
    """One tier of the proof: what it is called, how long it took, whether it held.

    ``since`` is the moment (UTC, ISO 8601) of the run that it was taken over from; empty if it ran.
    """

    name: str
    seconds: float
    ok: bool
    summary: str
    since: str = ""


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
class Verdict:
    """How strongly an output column was shown to be what the spec says; never more than that.

    Args:
        model: the model.
        column: its column.
        kind: ``TESTED`` the code gave what the spec says on every data set; ``REFUTED`` it did
            not, on rows that are shown; ``UNVERIFIED`` nothing was shown.
        datasets: on how many data sets it was right.
        killed: the share of the faults planted in the model that these tell from the code; None
            when none was planted.
        reason: why nothing was shown, or what is wrong, in a line.
        witness: the rows that show it.
        since: when it was shown (UTC, ISO 8601), if that was in a former run and nothing that it
            depends on has changed; empty if it was shown now.
    """

    model: str
    column: str
    kind: VerdictKind
    datasets: int = 0
    killed: float | None = None
    reason: str = ""
    witness: str = ""
    since: str = ""


@dataclass(frozen=True)
class Survivor:
    """A planted fault that no data set tells from the code, and no argument shows harmless."""

    operator: str
    description: str
    diff: str


@dataclass(frozen=True)
class Strength:
    """What became of the faults that were planted in a model.

    Args:
        model: the model.
        killed: told from the code by the data sets of the proof.
        undecided: tried on all rows, and neither told apart nor shown to be harmless.
        equivalent: shown to be harmless, by an argument.
        not_tried: not tried on all rows: time was up, or what tried them ended; in no rate.
        shipped_killed: of those killed, how many the tests that ship with the code notice.
        shipped_tried: of those killed, how many these tests were run against.
        seconds: how long it took.
        survivors: the undecided ones.
        problem: why no fault was tried.
        proposed: how many unit tests are proposed.
        proposed_killed: of ``shipped_tried``, how many the shipped and the proposed tests notice.
        proposal: the proposed tests, as items of dbt's ``unit_tests:`` list.
        beyond: in what the spec says nothing of, so that no rows can show them; in no rate.
        since: when they were tried (UTC, ISO 8601), if that was in a former run and the model is
            as it was; empty if they were tried now.
    """

    model: str
    killed: int = 0
    undecided: int = 0
    equivalent: int = 0
    not_tried: int = 0
    shipped_killed: int = 0
    shipped_tried: int = 0
    seconds: float = 0.0
    survivors: tuple[Survivor, ...] = ()
    problem: str = ""
    proposed: int = 0
    proposed_killed: int = 0
    proposal: str = ""
    beyond: int = 0
    since: str = ""

    @property
    def rate(self) -> float | None:
        """Killed among those that were tried and not shown harmless; None of none."""
        tried = self.killed + self.undecided
        return self.killed / tried if tried else None

    @property
    def shipped_rate(self) -> float | None:
        """The share of the told-apart faults that the shipped tests notice; None of none."""
        return self.shipped_killed / self.shipped_tried if self.shipped_tried else None

    @property
    def proposed_rate(self) -> float | None:
        """The share that the shipped tests notice with the proposed ones; None of none."""
        return self.proposed_killed / self.shipped_tried if self.shipped_tried else None

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Strength:
        """What ``asdict`` made."""
        found = tuple(Survivor(**s) for s in data["survivors"])
        return Strength(**{**data, "survivors": found})


@dataclass(frozen=True)
class RowReason:
    """Why a row of a data set is there.

    Args:
        dataset: the data set, and which load of it.
        table: what the spec calls the table.
        row: counted from 1.
        why: what the row was made for.
        tells: planted faults of the model that show on this row, alone or with few others.
    """

    dataset: str
    table: str
    row: int
    why: str = ""
    tells: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """The whole verification; ``not_run`` lists what was not checked, and why.

    ``rows`` says why each row is there, of the model that is to be explained.
    """

    report: Report
    tiers: tuple[Tier, ...] = ()
    nodes: tuple[NodeResult, ...] = ()
    not_run: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    strengths: tuple[Strength, ...] = ()
    rows: tuple[RowReason, ...] = ()

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
            "verdicts": [asdict(v) for v in self.verdicts],
            "strengths": [asdict(s) for s in self.strengths],
        } | ({"rows": [asdict(r) for r in self.rows]} if self.rows else {})

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Outcome:
        """The inverse of ``to_json``."""
        return Outcome(
            Report.from_json(data["report"]),
            tuple(Tier(**t) for t in data["tiers"]),
            tuple(NodeResult(**n) for n in data["nodes"]),
            tuple(data["not_run"]),
            tuple(Verdict(**v) for v in data.get("verdicts", ())),
            tuple(Strength.from_json(s) for s in data.get("strengths", ())),
            tuple(RowReason(**{**r, "tells": tuple(r["tells"])}) for r in data.get("rows", ())),
        )
