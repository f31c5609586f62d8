"""What a conversation may use, what it has used, and when that is too much."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from agent.model.base import Json, Request, Turn, Usage
from agent.model.prices import Price, price_of
from agent.model.validity import conversation_of
from tools.desk import ToolResult
from tools.errors import BudgetSpent

LEAST_ANSWER = 2048
"""Tokens; an answer that money leaves less room for is not asked for."""
ENVELOPE = 1024
"""Tokens that the service adds to a request on its own, at most."""

REPEATED = (
    "The same call of {name} gave the same result {count} times. If it does so once more, the work "
    "ends here: do something else."
)


@dataclass(frozen=True)
class Limits:
    """What a conversation may use; each limit ends it with ``BudgetSpent``.

    Args:
        turns: answers of the model.
        tokens: read and written, whether cached or not.
        money: USD; checked before a request against the most that it can cost.
        seconds: on the clock, tools included.
        repeats: how often one call may give one result while nothing changes.
        malformed: answers in a row whose calls are all unusable.
        max_tokens: room for an answer.
        max_tokens_cap: room for an answer after earlier ones were cut off.
        price: of the model; ``None`` looks it up by name.
    """

    turns: int = 60
    tokens: int = 2_000_000
    money: float = 5.0
    seconds: float = 1800.0
    repeats: int = 3
    malformed: int = 3
    max_tokens: int = 16_000
    max_tokens_cap: int = 64_000
    price: Price | None = None


@dataclass
class Spent:
    """What was used; pass it on when a conversation is resumed.

    Args:
        turns: answers, whole ones.
        usage: tokens, also of answers that were void.
        money: USD.
        seconds: on the clock.
        context: size of the last request that was answered, in tokens.
        sent: its size in bytes.
        talk: which conversation it was of.
    """

    turns: int = 0
    usage: Usage = field(default_factory=Usage)
    money: float = 0.0
    seconds: float = 0.0
    context: int = 0
    sent: int = 0
    talk: str = ""

    def to_json(self) -> Json:
        """A JSON object; ``from_json`` reads it back."""
        return {**vars(self), "usage": self.usage.to_json()}

    @staticmethod
    def from_json(data: Json) -> Spent:
        """The inverse of ``to_json``."""
        return Spent(**{**data, "usage": Usage(**data["usage"])})


class Meter:
    """Counts what a conversation uses, and ends it at a limit.

    Args:
        limits: see there.
        spent: counted up.
        model: its name, for the price.
        clock: in seconds.
    """

    def __init__(
        self,
        limits: Limits,
        spent: Spent,
        model: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self.spent = spent
        self.max_tokens = limits.max_tokens
        self._price = limits.price or price_of(model)
        self._clock = clock
        self._ticked = clock()
        self._asked = ("", 0)
        self._malformed = 0
        self._quiet: Counter[str] = Counter()
        self._changing: Counter[str] = Counter()

    def check(self) -> None:
        """Ends the conversation if turns, tokens or seconds are used up.

        Raises:
            BudgetSpent: naming the limit.
        """
        self._tick()
        limits, spent = self.limits, self.spent
        if spent.turns >= limits.turns:
            raise _over("turns", f"{limits.turns} turns are used up")
        if spent.usage.total >= limits.tokens:
            raise _over("tokens", f"{spent.usage.total:,} of {limits.tokens:,} tokens are used")
        if spent.seconds >= limits.seconds:
            raise _over("seconds", f"{limits.seconds:.0f} seconds are used up")

    def affordable(self, request: Request) -> Request:
        """The request with as much room for its answer as money leaves.

        A token is at least one byte, so that what is new in a request is never underrated.

        Raises:
            BudgetSpent: not even a short answer can be paid for.
        """
        talk, size = self._asked = _measured(request)
        spent = self.spent
        context = ENVELOPE + size
        if talk == spent.talk and size >= spent.sent:
            context = min(context, ENVELOPE + spent.context + size - spent.sent)
        left = self.limits.money - self.spent.money
        room = request.max_tokens
        if self._price.output > 0 and not math.isinf(left):
            spare = left - self._price.at_most(context, 0)
            room = min(room, int(spare * 1_000_000 / self._price.output))
        if room < min(LEAST_ANSWER, request.max_tokens):
            most = self._price.at_most(context, min(LEAST_ANSWER, request.max_tokens))
            raise _over(
                "money",
                f"${self.spent.money:.2f} of ${self.limits.money:.2f} are spent and the next "
                f"request can cost ${most:.2f}",
            )
        return replace(request, max_tokens=room)

    def answered(self, turn: Turn) -> float:
        """Counts an answer; what it cost, in USD."""
        self.spent.turns += 1
        self.spent.context = turn.usage.context
        self.spent.talk, self.spent.sent = self._asked
        return self.used(turn.usage)

    def used(self, usage: Usage) -> float:
        """Counts tokens, also of an answer that came to nothing; what they cost, in USD."""
        money = self._price.of(usage)
        self.spent.usage += usage
        self.spent.money += money
        self._tick()
        return money

    def more_room(self) -> int:
        """Doubles the room for answers, up to the cap; how many tokens it is now."""
        self.max_tokens = min(self.max_tokens * 2, self.limits.max_tokens_cap)
        return self.max_tokens

    def usable(self, is_usable: bool) -> None:
        """Counts answers in a row that could not be used.

        Raises:
            BudgetSpent: there were too many.
        """
        self._malformed = 0 if is_usable else self._malformed + 1
        if self._malformed >= self.limits.malformed:
            raise _over("malformed", f"{self._malformed} answers in a row could not be used")

    def called(self, name: str, given: Json, result: ToolResult) -> str:
        """Counts calls that give what they gave before; says so to the model before it is too late.

        A change starts the count of the calls that only look again, since a test that still fails
        after an edit is no repetition; the count of changes goes on, so that an edit made and
        unmade over and over is one.

        Raises:
            BudgetSpent: one call gave one result too often.
        """
        if result.changed:
            self._quiet.clear()
        count = self._changing if result.changed else self._quiet
        text = json.dumps([name, given, result.text, result.is_error], sort_keys=True)
        key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        count[key] += 1
        if count[key] >= self.limits.repeats:
            raise _over("repeats", f"{name} gave the same result {count[key]} times")
        if count[key] > 1 and count[key] == self.limits.repeats - 1:
            return REPEATED.format(name=name, count=count[key])
        return ""

    def _tick(self) -> None:
        now = self._clock()
        self.spent.seconds += now - self._ticked
        self._ticked = now


def _over(limit: str, why: str) -> BudgetSpent:
    return BudgetSpent(f"The limit on {limit} ends this: {why}.", f"Raise `{limit}` to go on.")


def _measured(request: Request) -> tuple[str, int]:
    """Which conversation a request is of, and its bytes."""
    body = request.to_json()
    text = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
    begins = conversation_of(body).encode("utf-8", "surrogatepass")
    return hashlib.sha256(begins).hexdigest(), len(text)
