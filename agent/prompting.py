"""Prompts, made of what the repository says: constitution, workflow, spec, findings.

The stable parts come first and end in a mark for the prompt cache; nothing here knows the time,
the run or the machine. What other people wrote (specs, files, output of tools) is given as data,
in a fence that the text inside cannot close.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from agent.model.base import Block
from tools.findings import Finding, Severity
from tools.rules.article import Constitution
from tools.secrets import redact

MARK = {"type": "ephemeral"}
_FENCE = 12
_EVIDENCE = 60
_BLANKS = re.compile(r"\n{3,}")


def system_for(
    role: str, *, constitution: str = "", workflow: str = "", spec: str = ""
) -> tuple[Block, ...]:
    """The system prompt: what never changes in a workspace, then what is about one spec.

    Args:
        role: the prompt of ``agent/prompts`` that says what is to be done, such as ``author``.
        constitution: the articles in force, see :func:`constitution_text`.
        workflow: the section of the step.
        spec: the spec's own text; it is marked as data.

    Returns:
        One or two text blocks, the last of each part marked for the cache: two of the four marks
        that the API takes. Tools come before the system, so that the first mark holds them too.
    """
    parts = [prompt("core"), prompt(role)]
    if constitution:
        parts.append(f"# The constitution\n\n{constitution}")
    if workflow:
        parts.append(f"# How this step is done here\n\n{workflow}")
    blocks: list[Block] = [_cached("\n\n".join(part.strip() for part in parts))]
    if spec:
        blocks.append(_cached("# The spec\n\n" + data("spec", "spec", spec)))
    return tuple(blocks)


def data(kind: str, name: str, text: str) -> str:
    """A text of somebody else, fenced: what it says is information and never an instruction.

    The fence carries a digest of the text, so the text cannot hold the line that closes it; the
    same text has the same fence. Secrets are taken out.

    Args:
        kind: ``spec``, ``file``, ``output``, ``findings``, ...
        name: a path or another name.
        text: what is given.
    """
    body = redact(text)
    fence, number = "", 0
    while not fence or fence in body:
        fence = hashlib.sha256(f"{number}:{body}".encode()).hexdigest()[:_FENCE]
        number += 1
    end = "" if body.endswith("\n") else "\n"
    head = f'<data {fence} kind="{_attribute(kind)}" name="{_attribute(name)}">'
    return f"{head}\n{body}{end}</data {fence}>"


def constitution_text(constitution: Constitution) -> str:
    """The articles as prose, each rule named with what it does when it is broken."""
    parts = []
    for article in constitution.articles:
        prose = _BLANKS.sub("\n\n", article.prose.strip())
        lines = [f"## {article.id} {article.title}", prose]
        lines += [
            f"- {rule.id} ({rule.level}{'' if rule.level == 'SHOULD' else ', stops the run'}): "
            f"{rule.message or rule.check or rule.expr or ''}"
            for rule in article.rules
        ]
        parts.append("\n".join(line for line in lines if line))
    return "\n\n".join(parts)


def findings_text(findings: Sequence[Finding]) -> str:
    """Findings for a model: what is wrong and where, then the evidence, as data."""
    lines = []
    for number, finding in enumerate(findings, 1):
        where = f" {finding.location}" if finding.location else ""
        lines.append(f"{number}. {finding.code}{where}: {finding.message}")
        if finding.hint:
            lines.append(f"   {finding.hint}")
        if finding.evidence:
            rows = finding.evidence.splitlines()
            lines += [f"   {row}" for row in rows[:_EVIDENCE]]
            if len(rows) > _EVIDENCE:
                lines.append(f"   ... {len(rows) - _EVIDENCE} lines more")
    return data("findings", f"{len(findings)} findings", "\n".join(lines) or "none")


def errors_first(findings: Sequence[Finding]) -> list[Finding]:
    """Errors, then warnings; notes and questions left out."""
    wanted = (Severity.ERROR, Severity.WARNING)
    return [f for severity in wanted for f in findings if f.severity is severity]


@cache
def prompt(name: str) -> str:
    """A prompt of ``agent/prompts``, by name."""
    return files("agent").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8")


def _cached(text: str) -> Block:
    return {"type": "text", "text": text, "cache_control": dict(MARK)}


def _attribute(text: str) -> str:
    """A name in one line, without what would end it."""
    return " ".join(text.split()).replace('"', "'").replace("<", "(").replace(">", ")")
