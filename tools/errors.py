"""The exceptions of specmill.

    SpecmillError               message, remedy, exit code; never shown with a traceback
    ├── UsageError          2   the call is wrong: unknown file, option, name
    ├── InputError          1   an input file is wrong (carries findings)
    ├── WaitsForPerson      3   a gate, an open question, a hand-edited file
    ├── NeedsModel          4   a step has to be authored and no model is configured
    ├── BudgetSpent         5   turns, repairs, money or time are used up
    ├── ProgramMissing      6   a program, a service, a permission or disk space is missing
    └── InternalError       7   a bug of specmill

Anything else that reaches the command line is a bug and ends with exit code 7 and a trace file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.findings import Finding


class SpecmillError(Exception):
    """A failure that a person can act on.

    Args:
        message: what is wrong, in one sentence, with file and line where there is one.
        remedy: what to do about it, in one sentence.
    """

    exit_code = 7

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class UsageError(SpecmillError):
    """The call itself is wrong."""

    exit_code = 2


class InputError(SpecmillError):
    """An input file is wrong; ``findings`` say where and how."""

    exit_code = 1

    def __init__(self, message: str, remedy: str = "", findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(message, remedy)
        self.findings = findings


class WaitsForPerson(SpecmillError):
    """Nothing is wrong, but a person has to decide."""

    exit_code = 3


class NeedsModel(SpecmillError):
    """A step has to be authored by a model and none is configured."""

    exit_code = 4


class BudgetSpent(SpecmillError):
    """A budget is used up."""

    exit_code = 5


class ProgramMissing(SpecmillError):
    """A program, service, permission or resource is missing."""

    exit_code = 6


class InternalError(SpecmillError):
    """A bug of specmill."""

    exit_code = 7
