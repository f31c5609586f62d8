"""The message of the commit that a run makes; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tools.plan import Plan
from tools.review.results import Results
from tools.review.tables import count, one_line
from tools.spec.load import LoadedSpec

_SUBJECT = 72
_LINE = 100


def commit_message(loaded: LoadedSpec, outcome: Mapping[str, Any], plan: Plan) -> str:
    """Subject, what was tested, what is open, and the digest as a trailer.

    The subject has at most 72 characters. Durations are left out, so that two runs with the same
    result have the same message.
    """
    spec, results = loaded.spec, Results.of(outcome)
    open_questions = len(spec.open_questions)
    lines = [
        _subject(f"{spec.pipeline} {spec.version}", plan, results),
        "",
        f"Spec: {_short(loaded.path)}, version {spec.version}, digest {loaded.digest[:12]}",
        f"Results: {_tiers(results)}",
        f"Open questions: {open_questions or 'none'}",
        "",
        f"Spec-Digest: {loaded.digest}",
    ]
    return "\n".join(lines) + "\n"


def _subject(name: str, plan: Plan, results: Results) -> str:
    """The longest form that fits: with files and tests, with tests, the name."""
    waiting = {step.id for step in plan.authored} | plan.waiting().keys()
    made = len({step.path for step in plan.steps if step.id not in waiting})
    said = results.tests_in_words()
    forms = (f"{name}: {count(made, 'file')}, {said}", f"{name}: {said}", name)
    return next((form for form in forms if len(form) <= _SUBJECT), name[:_SUBJECT])


def _tiers(results: Results) -> str:
    parts = []
    for tier in results.tiers:
        summary = f" ({_short(tier['summary'])})" if tier["summary"] else ""
        parts.append(f"{tier['name']} {'holds' if tier['ok'] else 'fails'}{summary}")
    return "; ".join(parts) or "nothing was run"


def _short(text: str) -> str:
    """One line without control characters: what a summary or a path holds can't forge a trailer."""
    line = re.sub(r"\s+", " ", one_line(text))
    return line if len(line) <= _LINE else f"{line[: _LINE - 3]}..."
