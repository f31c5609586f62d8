"""Mutants tried on data sets: killed, shown equivalent, undecided, or left for want of time."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property

from tools.errors import UsageError
from tools.sql.analyse import sees_order
from tools.sql.equivalent.facts import Facts
from tools.sql.equivalent.prove import Prover
from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import THIS, Program, canonical, relations_read
from tools.sql.parse import parse_query
from tools.verify.dataset import Dataset
from tools.verify.mutants.bench import Batches, Bench, Rig, Setting, empty, reverse
from tools.verify.mutants.schedule import round_robin, work
from tools.verify.mutants.session import Failed
from tools.verify.mutants.stability import stable_columns
from tools.verify.mutants.store import Prepare, nothing, quoted
from tools.verify.mutants.verdict import TIME_UP, MutationResult, Status, Verdict, unlucky

_BEFORE_PROOF = 2  # data sets that a mutant has to pass before an argument is looked for

Given = Dataset | Sequence[Dataset]
"""One data set, or what a source holds at each of several loads of an incremental model."""


def run_mutants(
    original: Program | str,
    mutants: Sequence[Mutant],
    datasets: Sequence[Given],
    *,
    relations: Mapping[str, str] | None = None,
    prepare: Prepare = nothing,
    deadline: float | None = None,
    facts: Facts | None = None,
    threads: int = 2,
    query_seconds: float = 2.0,
    recheck: bool = False,
    prover: Prover | None = None,
) -> MutationResult:
    """Tries mutants until each is decided or time is up.

    A data set kills a mutant when the bag of rows, the types of the columns or success differ from
    those of the original. Data sets that have killed most are tried first; where the order of rows
    may matter, each is also tried with its rows in reverse. What no data set kills is handed to
    the arguments of equivalence.

    Args:
        original: what the model runs.
        mutants: of that program.
        datasets: rows of the relations that it reads.
        relations: the name in the SQL -> the reference in the data sets; by default a relation is
            found by its full name, else by its last parts.
        prepare: makes each new in-memory database ready (macros).
        deadline: of ``time.monotonic()``; None is never.
        facts: constraints that every data set keeps; arguments of equivalence rest on them.
        threads: how many work at the same time.
        query_seconds: how long one query may run.
        recheck: whether every data set is tried even on what an argument lets pass; a kill wins,
            and a note names the argument, which is wrong then.
        prover: looks for arguments, instead of a new one that knows the facts.

    Raises:
        UsageError: a data set lacks a relation.
        SqlError: the original is not one query.
    """
    started = time.monotonic()
    program = Program(original) if isinstance(original, str) else original
    with ExitStack() as stack:
        known = relations or match_relations(program, datasets)
        field_ = _Field(program, Rig(Setting(known, prepare, query_seconds), stack))
        field_.open(datasets)
        prover = prover or Prover(facts or {})
        run = _Run(field_, mutants, prover, recheck)
        if field_.problem:
            verdicts = [Verdict(m, "not_tried", detail=field_.problem) for m in mutants]
        else:
            work(round_robin(mutants), run.one, deadline, threads)
            verdicts = run.finish()
    return MutationResult(
        tuple(verdicts),
        time.monotonic() - started,
        field_.skipped,
        field_.unstable,
        field_.problem,
        (*prover.notes, *run.refuted),
    )


def match_relations(program: Program, datasets: Sequence[Given]) -> dict[str, str]:
    """Finds the reference of each relation that a program reads: by full name, else by last parts.

    Raises:
        UsageError: a relation that is in no data set.
    """
    known = {r.lower(): r for given in datasets for b in batches_of(given) for r in b.tables}
    found = {}
    for name in dict.fromkeys(n for q in program.queries for n in relations_read(q)):
        pieces = name.lower().split(".")
        tails = [".".join(pieces[at:]) for at in range(len(pieces))]
        reference = next((known[t] for t in tails if t in known), None)
        if name.lower() == THIS:
            continue
        if reference is None:
            raise UsageError(
                f"no data for relation {name}", f"known are: {', '.join(sorted(known)) or 'none'}"
            )
        found[quoted(name)] = reference
    return found


def batches_of(given: Given) -> Batches:
    """The loads of what was given."""
    return (given,) if isinstance(given, Dataset) else tuple(given)


@dataclass
class _Field:
    """The data sets that can be used, with twins of reversed rows where their order may matter."""

    program: Program
    rig: Rig
    benches: list[Bench] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    unstable: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problem: str = ""
    _any: Batches = ()
    _blank: Bench | None = None

    @cached_property
    def ordered(self) -> bool:
        """Whether the order of the rows that the program reads may matter."""
        return any(sees_order(parse_query(q, "duckdb")) for q in self.program.queries)

    def open(self, datasets: Sequence[Given]) -> None:
        """Loads the data sets and runs the original on each."""
        twins = []
        for at, given in enumerate(datasets):
            batches = batches_of(given)
            if self.program.incremental and len(batches) == 1:
                batches = batches * 2
            name = batches[0].name or f"data set {at + 1}"
            opened = self._opened(name, batches)
            self.benches += opened[:1]
            twins += opened[1:]
            self._any = self._any or batches
        self.benches += twins
        if not self.benches and not self.problem:
            self.problem = "no data set can be used"

    def blank(self) -> Bench:
        """The tables without rows, opened when it is first asked for."""
        if self._blank is None:
            self._blank = self.rig.bench("no rows", empty(self._any))
            self._blank.columns = self.benches[0].columns
        return self._blank

    def _opened(self, name: str, batches: Batches) -> list[Bench]:
        """A data set, and its twin where the order of rows may matter; none if it is no use."""
        bench = self.rig.bench(name, batches)
        if not self.ordered:
            try:
                bench.expect(self.program)
            except Failed as failure:
                self.skipped[name] = f"the original fails: {failure.message}"
                return []
            self._check_rewriting(bench)
            return [bench]
        return self._pair(name, bench, self.rig.bench(f"{name}, rows reversed", reverse(batches)))

    def _pair(self, name: str, bench: Bench, twin: Bench) -> list[Bench]:
        try:
            bench.expect(self.program)
            twin.expect(self.program)
            kept = stable_columns(bench.rows(self.program), twin.rows(self.program))
        except Failed as failure:
            self.skipped[name] = f"the original fails: {failure.message}"
            return []
        if kept is None:
            self.skipped[name] = "the result depends on the order of the rows"
            return []
        if len(kept) < len(bench.columns) and any(bench.rows(self.program)):
            lost = [c for i, (c, _) in enumerate(bench.columns) if i not in kept]
            self.unstable[name] = tuple(lost)
            bench.expect(self.program, kept)
            twin.expect(self.program, kept)
        self._check_rewriting(bench)
        return [bench, twin]

    def _check_rewriting(self, bench: Bench) -> None:
        """Mutants are written anew from a tree: that alone must not change the result."""
        forms = [canonical(q) for q in self.program.queries]
        again = Program(forms[0], forms[1] if len(forms) > 1 else "", self.program.load)
        try:
            changed = bench.differs(again) is not None
        except Failed as failure:
            self.problem = f"the query cannot be written anew: {failure.message}"
            return
        if changed:
            self.problem = f"written anew, the query gives another result on {bench.name}"


class _Run:
    """The mutants of one run and their verdicts."""

    def __init__(
        self, field_: _Field, mutants: Sequence[Mutant], prover: Prover, recheck: bool
    ) -> None:
        self.refuted: list[str] = []
        self._recheck = recheck
        self._field = field_
        self._mutants = mutants
        self._prover = prover
        self._verdicts: dict[int, Verdict] = {}
        self._lock = threading.Lock()

    def one(self, index: int) -> None:
        """Decides one mutant."""
        self._verdicts[index] = self._decide(self._mutants[index])

    def finish(self) -> list[Verdict]:
        """A verdict for every mutant."""
        return [
            self._verdicts.get(i) or Verdict(m, "not_tried", detail=TIME_UP)
            for i, m in enumerate(self._mutants)
        ]

    def _decide(self, mutant: Mutant) -> Verdict:
        benches = sorted(self._field.benches, key=lambda b: -b.kills)
        found = self._try(mutant, benches[:_BEFORE_PROOF])
        if found is None and mutant.program.load == mutant.original.load:
            found = self._prove(mutant, benches[_BEFORE_PROOF:])
        if found is None:
            found = self._try(mutant, benches[_BEFORE_PROOF:])
        if found is None and mutant.by_chance is not None:
            found = unlucky(mutant, self._try(mutant.by_chance, benches))
        return found or Verdict(
            mutant, "undecided", detail="no data set differs, no argument holds"
        )

    def _try(self, mutant: Mutant, benches: Sequence[Bench]) -> Verdict | None:
        """The verdict of some data sets; None when none tells the mutant from the original."""
        for bench in benches:
            try:
                outcome = bench.tells(mutant)
            except Failed as failure:
                status: Status = "invalid" if failure.kind == "binds" else "undecided"
                return Verdict(mutant, status, detail=failure.message)
            if outcome is None:
                continue
            if outcome.how == "error" and self._always_fails(mutant):
                return Verdict(mutant, "invalid", detail=outcome.detail)
            with self._lock:
                bench.kills += 1
            return Verdict(mutant, "killed", bench.name, outcome.how, outcome.detail)
        return None

    def _prove(self, mutant: Mutant, rest: Sequence[Bench]) -> Verdict | None:
        argument = self._prover.prove(mutant.original.queries, mutant.program.queries)
        if argument is None:
            return None
        if self._recheck:
            against = self._try(mutant, rest)
            if against is not None and against.status == "killed":
                self.refuted.append(f"{argument.name} claims {mutant}, {against.by} differs")
                return against
        return Verdict(mutant, "equivalent", argument.name, detail=argument.reason)

    def _always_fails(self, mutant: Mutant) -> bool:
        """Whether a mutant fails without any rows too: then it is no query at all."""
        with self._lock:
            blank = self._field.blank()
        try:
            blank.rows(mutant.program)
        except Failed:
            return True
        return False
