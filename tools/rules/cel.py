"""CEL expressions over plain JSON: compiled once, bounded, never a pass when they fail to answer.

The Common Expression Language has no loops, no calls out and no side effects; what it lacks is a
bound on nested comprehensions, so the number of macros and the length are limited here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cel import Program

MAX_LENGTH = 2_000
"""Characters of an expression."""

MAX_COMPREHENSIONS = 4
"""``all``, ``exists``, ``exists_one``, ``map``, ``filter`` in one expression: they may nest."""

_COMPREHENSION = re.compile(r"\.\s*(all|exists|exists_one|map|filter)\s*\(")
_SYNTAX_AT = re.compile(r"ERROR: <input>:(\d+):(\d+):\s*(.*)")


class CelError(ValueError):
    """An expression that does not compile, or does not answer; line counts from 1 within it."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@lru_cache(maxsize=1024)
def compiled(expression: str) -> Program:
    """An expression ready to run.

    Raises:
        CelError: too long, too many comprehensions, or no CEL.
    """
    if len(expression) > MAX_LENGTH:
        raise CelError(f"is longer than {MAX_LENGTH} characters: write a registered check instead")
    if len(_COMPREHENSION.findall(expression)) > MAX_COMPREHENSIONS:
        raise CelError(
            f"has more than {MAX_COMPREHENSIONS} of all/exists/exists_one/map/filter: "
            "split the rule or write a registered check"
        )
    import cel  # noqa: PLC0415  (its package pulls in a command line with prompts and colours)

    try:
        return cel.compile(expression)
    except (ValueError, RuntimeError, TypeError) as error:
        line, message = _syntax(str(error))
        raise CelError(f"is not CEL: {message}", line) from error


def _syntax(text: str) -> tuple[int, str]:
    found = _SYNTAX_AT.search(text)
    if not found:
        return 0, text.splitlines()[0][:200] if text else "no reason given"
    return int(found.group(1)), found.group(3)[:200]


def variables_of(expression: str) -> frozenset[str]:
    """The names that an expression uses, those that comprehensions bind among them.

    Raises:
        CelError: the expression does not compile.
    """
    return frozenset(compiled(expression).variables())


def unknown_variables(expression: str, known: Mapping[str, Any] | frozenset[str]) -> list[str]:
    """The names that an expression uses and nothing binds, sorted.

    Names bound by comprehensions are told apart by their being the first argument of one.

    Raises:
        CelError: the expression does not compile.
    """
    bound = set(re.findall(_COMPREHENSION.pattern + r"\s*([A-Za-z_]\w*)\s*,", expression))
    names = {name for _, name in bound}
    return sorted(v for v in compiled(expression).variables() if v not in known and v not in names)


def holds(expression: str, variables: Mapping[str, Any]) -> bool:
    """Whether an expression is true of the variables.

    Args:
        expression: CEL.
        variables: plain JSON values by name.

    Raises:
        CelError: it does not compile; names what is not there; compares what cannot be compared;
            or answers with something other than true or false.
    """
    program = compiled(expression)
    try:
        answer = program.execute(dict(variables))
    except KeyError as error:
        raise CelError(f"there is no key {error.args[0]!r}: ask has(...) first") from error
    except (RuntimeError, TypeError, ValueError, LookupError, ArithmeticError) as error:
        raise CelError(str(error).splitlines()[0][:300] or type(error).__name__) from error
    if not isinstance(answer, bool):
        raise CelError(f"answers {type(answer).__name__}, not true or false")
    return answer
