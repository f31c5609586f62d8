"""What each failure of the service means."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.model.base import ContextTooLong, RequestRefused, Usage
from agent.model.failures import KEYS, Fault, meaning, retry_after
from agent.model.retry import Transient
from tools.errors import BudgetSpent, NeedsModel, SpecmillError

TABLE: list[tuple[type[Exception], Fault]] = [
    *[(Transient, Fault(status, "", "x")) for status in (408, 409, 425, 429, 500, 502, 503, 529)],
    (Transient, Fault(200, "overloaded_error", "Overloaded")),
    (Transient, Fault(200, "api_error", "x")),
    (Transient, Fault(200, "", "who knows")),
    (Transient, Fault(429, "rate_limit_error", "too many input tokens per minute")),
    (Transient, Fault(400, "", "x", {"x-should-retry": "true"})),
    (RequestRefused, Fault(500, "api_error", "x", {"x-should-retry": "false"})),
    (RequestRefused, Fault(200, "invalid_request_error", "x")),
    (RequestRefused, Fault(400, "invalid_request_error", "tools.0: bad schema")),
    (RequestRefused, Fault(404, "not_found_error", "model: nope")),
    (RequestRefused, Fault(422, "", "x")),
    (ContextTooLong, Fault(400, "invalid_request_error", "prompt is too long: 9 tokens > 8")),
    (ContextTooLong, Fault(200, "invalid_request_error", "prompt is too long: 9 tokens > 8")),
    (
        ContextTooLong,
        Fault(400, "", "input length and `max_tokens` exceed context limit: 9 + 1 > 8"),
    ),
    (ContextTooLong, Fault(400, "", "Input is too long for requested model.")),
    (ContextTooLong, Fault(413, "request_too_large", "x")),
    (NeedsModel, Fault(401, "authentication_error", "invalid x-api-key")),
    (NeedsModel, Fault(403, "permission_error", "x")),
    (NeedsModel, Fault(200, "authentication_error", "x")),
    (BudgetSpent, Fault(402, "billing_error", "x")),
    (BudgetSpent, Fault(429, "rate_limit_error", "x", {}, "enforced_spend_limit_reached")),
]


@pytest.mark.parametrize(("kind", "fault"), TABLE)
def test_meaning(kind: type[Exception], fault: Fault) -> None:
    error = meaning(fault, "anthropic", Usage(output=3))
    assert type(error) is kind
    if isinstance(error, Transient):
        assert error.usage == Usage(output=3)


@pytest.mark.parametrize("provider", list(KEYS))
def test_a_wrong_key_says_how_to_set_another(provider: str) -> None:
    error = meaning(Fault(401, "", "no"), provider, Usage())
    assert isinstance(error, SpecmillError)
    assert (error.exit_code, error.remedy) == (4, KEYS[provider])
    assert "\n" not in error.message + error.remedy


def test_a_page_becomes_one_line() -> None:
    error = meaning(Fault(400, "", "<html>\n<h1>Bad</h1>" + "x" * 900), "anthropic", Usage())
    assert len(str(error)) < 400
    assert "<" not in str(error)
    assert "\n" not in str(error)
    assert "no reason given" in str(meaning(Fault(400, "", ""), "anthropic", Usage()))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 -0000"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2020 07:28:30 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    now = datetime(2026, 10, 21, 7, 28, 0, tzinfo=UTC)
    assert retry_after(headers, now) == seconds
