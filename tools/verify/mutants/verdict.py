"""What became of each mutant, and the rates that follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from tools.sql.mutate.mutant import Mutant

Status = Literal["killed", "equivalent", "undecided", "not_tried", "invalid"]
How = Literal["rows", "types", "error", ""]

TIME_UP: Final = "time was up"
"""The detail of what was not tried for want of time."""


@dataclass(frozen=True)
class Verdict:
    """What became of one mutant.

    Args:
        mutant: the mutant.
        status: ``killed`` a data set told it from the original; ``equivalent`` an argument shows
            that none can; ``undecided`` neither; ``not_tried`` time was up; ``invalid`` it does
            not bind, so nobody could run it.
        by: the data set that killed it, or the name of the argument.
        how: what differed: the rows, only the types of the columns, or it failed on the rows.
        detail: the error, the reason of the argument, or why it is undecided.
    """

    mutant: Mutant
    status: Status
    by: str = ""
    how: How = ""
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        """A JSON object; survivors carry their difference."""
        shown = {
            "operator": self.mutant.operator,
            "description": self.mutant.description,
            "line": self.mutant.line,
            "column": self.mutant.column,
            "status": self.status,
            "by": self.by,
            "how": self.how,
            "detail": self.detail,
        }
        return shown | ({"diff": self.mutant.diff} if self.status == "undecided" else {})


def unlucky(mutant: Mutant, found: Verdict | None) -> Verdict | None:
    """The verdict on a mutant by what became of it where ties are broken in another way.

    Its own order of ties is chance: that it gave the right rows here says nothing of elsewhere.
    """
    if found is None or found.status != "killed":
        return None
    return replace(found, mutant=mutant, detail="where ties come in another order, which they may")


@dataclass(frozen=True)
class Tally:
    """Mutants by what became of them."""

    killed: int = 0
    equivalent: int = 0
    undecided: int = 0
    not_tried: int = 0
    invalid: int = 0

    @property
    def rate(self) -> float | None:
        """Killed among those that were tried, are valid and not shown equivalent; None of none."""
        decided = self.killed + self.undecided
        return self.killed / decided if decided else None

    @staticmethod
    def of(statuses: Counter[str]) -> Tally:
        """The tally of counted statuses."""
        return Tally(**{name: statuses.get(name, 0) for name in Tally.__dataclass_fields__})


@dataclass(frozen=True)
class MutationResult:
    """What became of the mutants of one program.

    Args:
        verdicts: one a mutant, in the order that they were given.
        seconds: how long it took.
        skipped: data sets that could not be used, with the reason.
        unstable: output columns whose values depend on the order of the rows, by data set; they
            were not compared there.
        problem: why nothing was run, when that is so.
        notes: what could not be tried.
    """

    verdicts: tuple[Verdict, ...]
    seconds: float = 0.0
    skipped: Mapping[str, str] = field(default_factory=dict)
    unstable: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problem: str = ""
    notes: tuple[str, ...] = ()

    def of(self, status: Status) -> tuple[Verdict, ...]:
        """The verdicts of one status."""
        return tuple(v for v in self.verdicts if v.status == status)

    @property
    def tally(self) -> Tally:
        """All mutants counted."""
        return Tally.of(Counter(v.status for v in self.verdicts))

    @property
    def rate(self) -> float | None:
        """Killed among those that were tried, are valid and not shown equivalent."""
        return self.tally.rate

    def by_operator(self) -> dict[str, Tally]:
        """The tally of each operator, in alphabetical order."""
        counts: dict[str, Counter[str]] = {}
        for verdict in self.verdicts:
            counts.setdefault(verdict.mutant.operator, Counter())[verdict.status] += 1
        return {name: Tally.of(counts[name]) for name in sorted(counts)}

    def kills(self) -> dict[str, int]:
        """How many mutants each data set was the first to kill, most first."""
        counted = Counter(v.by for v in self.verdicts if v.status == "killed")
        return dict(counted.most_common())

    def to_json(self) -> dict[str, Any]:
        """A JSON object: rates, tallies, survivors, what was not run."""
        return {
            "rate": self.rate,
            "seconds": round(self.seconds, 3),
            "operators": {n: vars(t) for n, t in self.by_operator().items()},
            "survivors": [v.to_json() for v in self.of("undecided")],
            "equivalent": [v.to_json() for v in self.of("equivalent")],
            "kills": self.kills(),
            "skipped": dict(self.skipped),
            "unstable": {n: list(c) for n, c in self.unstable.items()},
            "problem": self.problem,
            "notes": list(self.notes),
        }
