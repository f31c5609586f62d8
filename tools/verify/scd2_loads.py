"""Loads of made-up batches into scratch databases, and what is said about them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

from tools.findings import Finding, Severity
from tools.verify.bench import Bench, Checked
from tools.verify.intervals import broken, questions
from tools.verify.scd2_subject import Subject
from tools.verify.scratch import Difference, Scratch, evidence_of, set_rows

_SETTLED = dt.timedelta(days=40)
"""After the first batch; loads happen from then on, so later than every event."""

_STEP = dt.timedelta(hours=1)


class Loads:
    """The loads of histories that change together.

    Args:
        bench: what every check needs.
        subjects: the histories.
        checked: where findings go.
        number: of this group of histories among those of the spec.
    """

    def __init__(
        self, bench: Bench, subjects: Sequence[Subject], checked: Checked, number: int
    ) -> None:
        self.bench, self.subjects, self.checked, self.number = bench, subjects, checked, number
        self.clock = max(s.script.start for s in subjects) + _SETTLED

    @property
    def names(self) -> str:
        """The histories, for people."""
        return ", ".join(s.name for s in self.subjects)

    def scratch(self, label: str) -> Scratch:
        """A database with the source tables of the built one and nothing else."""
        name = f"{self.number}-{re.sub(r'[^a-z0-9]+', '-', label)}"
        return self.bench.scratch(name)

    def load(self, scratch: Scratch, batch: str, subjects: Sequence[Subject]) -> None:
        """One batch of each history, then a dbt run an hour after the last.

        Raises:
            LoadFailed: dbt reports an error.
        """
        self.clock += _STEP
        scratch.sql(*(set_rows(s.source, s.script.rows(batch, self.clock)) for s in subjects))
        self.run(scratch, subjects)

    def again(self, scratch: Scratch) -> None:
        """The sources as they are, once more, an hour later."""
        self.clock += _STEP
        self.run(scratch, self.subjects)

    def run(self, scratch: Scratch, subjects: Sequence[Subject]) -> None:
        """A dbt run at this moment."""
        scratch.run([s.name for s in subjects], self.clock)
        self.checked.runs += 1

    def invariants(self, scratch: Scratch, subjects: Sequence[Subject], when: str) -> None:
        """Asks what must hold of every history."""
        for subject in subjects:
            model = subject.history.model
            asked = questions(model, subject.dim, subject.log)
            answers = scratch.sql(*(q.sql for q in asked))
            self.checked.findings += broken(
                model, asked, answers, where=self.bench.place(subject.name), when=when,
                personal=self.bench.project.personal,
            )  # fmt: skip

    def differs(self, code: str, what: str, subject: Subject, found: Difference) -> None:
        """Reports rows that are not as expected."""
        self.wrong(code, what, subject, evidence=evidence_of(found, self.bench.project))

    def wrong(
        self, code: str, what: str, subject: Subject, hint: str = "", evidence: str = ""
    ) -> None:
        """Reports what does not hold."""
        self.checked.findings.append(Finding(
            code, Severity.ERROR, what, self.bench.place(subject.name), hint, evidence,
            subject=subject.name,
        ))  # fmt: skip
