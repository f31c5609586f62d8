"""What a failed request means: try again, another key, less text, or a mistake; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from agent.model.base import ContextTooLong, RequestRefused, Usage
from agent.model.retry import Transient
from tools.errors import BudgetSpent, NeedsModel

TRANSIENT = frozenset({408, 409, 425, 429})
TRANSIENT_KINDS = frozenset({"api_error", "overloaded_error", "rate_limit_error", "timeout_error"})
TOO_LONG = re.compile(
    r"prompt is too long|input is too long|exceeds? (the )?(model's )?(maximum )?context"
    r"|context (window|length|limit)|too many (input )?tokens",
    re.IGNORECASE,
)
KEYS = {
    "anthropic": "Set ANTHROPIC_API_KEY to a key of the endpoint.",
    "bedrock": "Set AWS credentials and AWS_REGION, or AWS_BEARER_TOKEN_BEDROCK.",
    "vertex": "Sign in with `gcloud auth application-default login`, and set CLOUD_ML_REGION and "
    "ANTHROPIC_VERTEX_PROJECT_ID.",
}


@dataclass(frozen=True)
class Fault:
    """How a request failed, without the types of an SDK.

    Args:
        status: of the HTTP answer; 0 if there was none, 200 if the stream reported the error.
        kind: ``type`` of the error as the API has it; may be empty.
        message: in the service's words.
        headers: of the answer, names in lower case.
        code: a stable name for the cause, where there is one.
    """

    status: int
    kind: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str = ""


def meaning(fault: Fault, provider: str, used: Usage) -> Exception:
    """The exception that says what a failure means.

    Args:
        fault: what happened.
        provider: whose key is wanted: a key of ``KEYS``.
        used: tokens that it cost.
    """
    status, said = fault.status, _brief(fault.message)
    if status in (401, 403) or fault.kind in ("authentication_error", "permission_error"):
        return NeedsModel(f"The model's service turns the key down: {said}", KEYS[provider])
    if status == 402 or fault.kind == "billing_error" or fault.code.endswith("spend_limit_reached"):
        return BudgetSpent(
            f"The account of the model's service has nothing left: {said}",
            "Raise the limit of the account, or set another key.",
        )
    if status == 413 or (TOO_LONG.search(fault.message) and 200 <= status < 500 and status != 429):
        return ContextTooLong(f"The conversation is too long for the model: {said}")
    if _is_transient(fault):
        return Transient(said, retry_after(fault.headers), used)
    if status == 404:
        return RequestRefused(
            f"The model or the endpoint does not exist: {said}",
            "Check the name of the model and the base URL.",
        )
    return RequestRefused(f"The model's service refuses the request: {said}")


def _is_transient(fault: Fault) -> bool:
    if fault.headers.get("x-should-retry") in ("true", "false"):
        return fault.headers["x-should-retry"] == "true"
    if fault.status in (0, 200) and not fault.kind:
        return True
    return fault.status in TRANSIENT or fault.status >= 500 or fault.kind in TRANSIENT_KINDS


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that the service asks to wait; ``None`` if it doesn't say.

    Args:
        headers: names in lower case.
        now: for dates; the clock if it isn't given.
    """
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(float(headers[name]) * scale, 0.0)
        except (KeyError, ValueError):
            continue
    try:
        date = parsedate_to_datetime(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max((date - (now or datetime.now(UTC))).total_seconds(), 0.0)


def _brief(message: str) -> str:
    """One line of what may be a page."""
    text = " ".join(re.sub(r"<[^>]*>", " ", message).split()) or "no reason given"
    return text if len(text) <= 300 else text[:297] + "..."
