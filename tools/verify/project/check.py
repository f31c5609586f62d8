"""What can be shown of a model without a spec: that it runs, and gives the same in every way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import duckdb

from tools.sql.mutate.program import Program
from tools.sql.traced import BaseColumn
from tools.verify.dataset import Dataset
from tools.verify.fixtures.admit import largest
from tools.verify.mutants.bags import Row, difference, same_bag
from tools.verify.mutants.bench import Batches, Bench, Rig, Setting, empty, reverse
from tools.verify.mutants.session import Failed
from tools.verify.mutants.stability import stable_columns
from tools.verify.project.loads import Step, steps
from tools.verify.project.report import Claim
from tools.verify.proof.shown import input_text
from tools.verify.proof.smallest import smallest
from tools.verify.results import rows_table

QUERY_SECONDS = 2.0
_WITNESS_SECONDS = 1.5
_TRIES = 40
_SHOWN = 4


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """A database that reaches no file and no network."""
    connection.execute("set timezone = 'UTC'")
    connection.execute("set enable_external_access = false")


@dataclass
class Found:
    """What is known of a model after the checks.

    Args:
        claims: what was shown.
        datasets: those on which it runs, for faults to be tried on.
        columns: of its result, with types.
        unstable: columns whose values depend on the order of the rows.
        stops: why nothing more can be tried; empty when it can.
    """

    claims: list[Claim] = field(default_factory=list)
    datasets: list[Dataset] = field(default_factory=list)
    columns: list[tuple[str, str]] = field(default_factory=list)
    unstable: tuple[str, ...] = ()
    stops: str = ""


@dataclass(frozen=True)
class Checks:
    """One model on rows.

    Args:
        program: what it runs.
        relations: the name in the SQL -> the reference in the data sets.
        cursor: the column that an incremental load looks at, if it is known.
    """

    program: Program
    relations: Mapping[str, str]
    cursor: BaseColumn | None = None

    def run(
        self,
        datasets: Sequence[Dataset],
        loose: Sequence[Dataset],
        simple: Sequence[Dataset],
        progress: Callable[[str], None],
    ) -> Found:
        """All checks.

        Args:
            datasets: rows on which windows have an order.
            loose: rows with ties too.
            simple: ordinary rows, for loads one after the other.
            progress: told what happens.
        """
        found = Found()
        with ExitStack() as stack:
            rig = Rig(Setting(self.relations, prepare, QUERY_SECONDS), stack)
            progress("does it run")
            self._runs(found, datasets, rig)
            if found.stops:
                return found
            progress("is it the same when run again")
            self._order(found, [*loose, *found.datasets], rig)
            if self.program.incremental:
                progress("is it the same loaded bit by bit")
                self._loads(found, simple, rig)
        return found

    # -- runs ---------------------------------------------------------------------------------

    def _rows(self, rig: Rig, batches: Batches, program: Program) -> tuple[Bench, list[list[Row]]]:
        bench = rig.bench(batches[0].name, batches)
        bench.expect(program)
        return bench, bench.rows(program)

    def _runs(self, found: Found, datasets: Sequence[Dataset], rig: Rig) -> None:
        first = Program(self.program.sql)
        failure, failing = None, None
        for dataset in datasets:
            try:
                bench, _ = self._rows(rig, (dataset,), first)
            except Failed as failed:
                if failed.kind != "runs":
                    found.stops = _why(failed)
                    found.claims.append(Claim("runs", "UNVERIFIED", reason=found.stops))
                    return
                failure, failing = failure or failed, failing or dataset
                part = self._part(dataset, rig, first)
                found.datasets += [part] if part is not None else []
                continue
            found.columns = found.columns or bench.columns
            found.datasets.append(dataset)
        if not found.columns and found.datasets:
            found.columns = self._rows(rig, (found.datasets[0],), first)[0].columns
        if failure is not None and failing is not None and self._fails_empty(rig, failing, first):
            found.stops = _why(failure)
            found.claims.append(Claim("runs", "UNVERIFIED", reason=found.stops))
            return
        held = len(datasets) - sum(d is failing for d in datasets)
        if failure is None or failing is None:
            found.claims.append(Claim("runs", "TESTED", len(datasets)))
            return
        rows = smallest((failing,), lambda b: self._fails(rig, b, first), _WITNESS_SECONDS)
        text = f"{input_text(rows)}\ngot: {failure.message.splitlines()[0]}"
        why = failure.message.splitlines()[0]
        found.claims.append(Claim("runs", "REFUTED", held, why, text))
        if not found.datasets:
            found.stops = f"it fails on all data sets: {why}"

    def _fails(self, rig: Rig, batches: Batches, program: Program) -> bool:
        try:
            self._rows(rig, batches, program)
        except Failed as failed:
            return failed.kind == "runs"
        return False

    def _fails_empty(self, rig: Rig, dataset: Dataset, program: Program) -> bool:
        """Whether it fails without any rows too: then no row is to blame."""
        return self._fails(rig, empty((dataset,)), program)

    def _part(self, dataset: Dataset, rig: Rig, program: Program) -> Dataset | None:
        """The rows of a data set on which the model runs."""
        kept = largest((dataset,), lambda b: not self._fails(rig, b, program), _TRIES)[0]
        return kept if kept.size and not self._fails(rig, (kept,), program) else None

    # -- order --------------------------------------------------------------------------------

    def _order(self, found: Found, datasets: Sequence[Dataset], rig: Rig) -> None:
        first, held = Program(self.program.sql), 0
        name = "same when run again"
        for dataset in datasets:
            try:
                unstable = self._unstable(rig, (dataset,), first)
            except Failed:
                continue
            if not unstable:
                held += 1
                continue
            rows = smallest(
                (dataset,), lambda b: bool(self._safely(rig, b, first)), _WITNESS_SECONDS
            )
            found.unstable = tuple(self._safely(rig, rows, first)) or tuple(unstable)
            why = f"{', '.join(found.unstable)} depends on the order in which rows are read"
            ways = [self._shown(rig, b, first) for b in (rows, reverse(rows))]
            text = f"{input_text(rows)}\ngot:\n{ways[0]}\ngot, read the other way round:\n{ways[1]}"
            found.claims.append(Claim(name, "REFUTED", held, why, text))
            return
        found.claims.append(Claim(name, "TESTED", held))

    def _unstable(self, rig: Rig, batches: Batches, program: Program) -> list[str]:
        bench, one = self._rows(rig, batches, program)
        _, two = self._rows(rig, reverse(batches), program)
        kept = stable_columns(one, two)
        names = [n for n, _ in bench.columns]
        if kept is None:
            return names
        return [n for i, n in enumerate(names) if i not in kept] if one[-1] else []

    def _safely(self, rig: Rig, batches: Batches, program: Program) -> list[str]:
        try:
            return self._unstable(rig, batches, program)
        except Failed:
            return []

    def _shown(self, rig: Rig, batches: Batches, program: Program) -> str:
        bench, rows = self._rows(rig, batches, program)
        return rows_table([n for n, _ in bench.columns], rows[-1][:_SHOWN])

    # -- loads --------------------------------------------------------------------------------

    def _loads(self, found: Found, datasets: Sequence[Dataset], rig: Rig) -> None:
        """An incremental model loaded twice, against what one load of everything gives."""
        for number, step in enumerate(steps(self.cursor)):
            try:
                found.claims.append(self._step(step, datasets, rig, required=number < 2))
            except duckdb.Error as error:  # relations of several databases cannot be views here
                why = str(error).splitlines()[0]
                found.claims.append(Claim(step.name, "UNVERIFIED", reason=why))

    def _step(self, step: Step, datasets: Sequence[Dataset], rig: Rig, *, required: bool) -> Claim:
        held, reason = 0, ""
        for dataset in datasets:
            batches = step.make(dataset)
            if batches is None:
                continue
            try:
                same = self._same(rig, step, batches)
            except Failed as failed:
                reason = failed.message.splitlines()[0]
                continue
            if same is None:
                held += 1
                continue
            (few,) = smallest(
                (dataset,), lambda b: bool(self._parts(rig, step, b[0])), _WITNESS_SECONDS
            )
            text = f"{input_text(step.make(few) or batches)}\n{self._parts(rig, step, few)}"
            kind = step.wrong if required else step.missed
            return Claim(step.name, "REFUTED", held, kind, text)
        if not held:
            why = reason or "no rows could be made for it"
            return Claim(step.name, "UNVERIFIED", reason=why)
        return Claim(step.name, "TESTED", held)

    def _parts(self, rig: Rig, step: Step, dataset: Dataset) -> str:
        batches = step.make(dataset)
        try:
            return self._same(rig, step, batches) or "" if batches else ""
        except Failed:
            return ""

    def _same(self, rig: Rig, step: Step, batches: Batches) -> str | None:
        """How loads one after the other differ from one of everything; None when they do not."""
        bench, loaded = self._rows(rig, batches, self.program)
        _, full = self._rows(rig, (batches[-1],), Program(self.program.sql))
        if same_bag(loaded[-1], full[-1]) or (not loaded[0] and not step.from_nothing):
            return None
        missing, extra = difference(full[-1], loaded[-1])
        names = [n for n, _ in bench.columns]
        parts = []
        for title, rows in (("only in one load of everything", missing),
                            ("only when loaded bit by bit", extra)):  # fmt: skip
            if rows:
                parts.append(f"{title}:\n{rows_table(names, list(rows)[:_SHOWN])}")
        return "\n".join(parts)


def _why(failed: Failed) -> str:
    if failed.kind == "time":
        return f"it {failed.message} on a few rows and was stopped"
    return " ".join(failed.message.split())[:240]
