"""What a former run found, tier by tier, while all that it hangs on is as it was."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tools.findings import Report
from tools.verify.outcome import NodeResult, Strength, Verdict
from tools.verify.proof.cache import Kept, Passed, load, save, state_of

TIERS = ("static", "rules", "build", "oracle", "properties", "mutants")
PROOF = frozenset({"oracle", "mutants"})
"""The tiers that hold the code against an independent reading of the spec."""


@dataclass(frozen=True)
class Result:
    """What one tier found.

    Args:
        report: what there is to say.
        summary: in a line.
        nodes: what dbt did.
        not_run: what was not checked, and why.
        since: the moment of the run that it is taken from (UTC, ISO 8601); empty if it ran now.
        seconds: how long it took; None when that is what the caller waited for it.
        verdicts: for every column.
        strengths: what became of planted faults.
    """

    report: Report
    summary: str
    nodes: tuple[NodeResult, ...] = ()
    not_run: tuple[str, ...] = ()
    since: str = ""
    seconds: float | None = None
    verdicts: tuple[Verdict, ...] = ()
    strengths: tuple[Strength, ...] = ()


@dataclass
class FormerRun:
    """What is kept of the last verification of a pipeline that found no error.

    Args:
        state: the folder where it is kept.
        pipeline: its name.
        database: the DuckDB file that it is built in.
        level: that is wanted now.
        now: the moment of this run, UTC.
    """

    state: Path
    pipeline: str
    database: Path
    level: str
    now: dt.datetime
    _kept: Kept | None = None
    _key: str = ""
    _data: str = ""
    _rebuild: bool = True
    _known: dict[str, Result] = field(default_factory=dict)

    @property
    def since(self) -> str:
        """The moment of this run, ISO 8601."""
        return self.now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def look(self, key: str, data: str, fresh: bool, rebuild: bool) -> None:
        """Looks for what is kept.

        Args:
            key: of the code, the specs and the program that proves.
            data: a digest of the source data.
            fresh: whether nothing of it is to be used.
            rebuild: whether the database is to be built in any case.
        """
        self._key, self._data, self._rebuild = key, data, rebuild
        kept = None if fresh else load(self.state, self.pipeline, key)
        if kept is None or (self.level == "full" and kept.level != "full"):
            return
        self._kept = kept
        self._known = {n: _result(kept, n) for n in kept.tiers if self._holds(kept, n)}

    def known(self, tier: str) -> Result | None:
        """What a tier found, when it can be taken over."""
        return self._known.get(tier)

    def keep(self, results: Mapping[str, Result]) -> None:
        """Keeps what the tiers of this run found, all without errors.

        What time cut short is left out, so that it is tried again.

        Args:
            results: by tier.
        """
        left = {n for r in results.values() if any(s.not_tried for s in r.strengths) for n in PROOF}
        deep = {n: r for n, r in results.items() if n in TIERS[2:] and n not in left}
        if all(r.since for r in deep.values()):
            return  # it is kept already, with the moment when it was shown
        last = [r for n, r in deep.items() if n in PROOF][-1:]
        kept = Kept(
            self.level,
            self._data,
            state_of(self.database, self._data, self.since[:10]),
            {n: self._passed(n, r) for n, r in deep.items()},
            results["build"].nodes,
            last[0].verdicts if last else (),
            last[0].strengths if last else (),
        )
        save(self.state, self.pipeline, self._key, kept)

    def _passed(self, tier: str, result: Result) -> Passed:
        if result.since and self._kept is not None:
            return self._kept.tiers[tier]
        return Passed(self.since, result.summary, result.report, result.not_run)

    def _holds(self, kept: Kept, tier: str) -> bool:
        if tier in PROOF:
            return True
        if tier == "properties":
            return kept.data == self._data
        here = state_of(self.database, self._data, self.since[:10])
        whole = {"oracle", "properties"} | ({"mutants"} if self.level == "full" else set())
        return not self._rebuild and bool(here) and kept.built == here and whole <= set(kept.tiers)


def _result(kept: Kept, tier: str) -> Result:
    """A tier's result as one of a former run, which says so."""
    found = kept.tiers[tier]
    proof = tier in PROOF
    return Result(
        found.report,
        found.summary,
        kept.nodes if tier == "build" else (),
        found.not_run,
        found.since,
        verdicts=tuple(replace(v, since=v.since or found.since) for v in kept.verdicts if proof),
        strengths=tuple(replace(s, since=s.since or found.since) for s in kept.strengths if proof),
    )
