"""Secrets taken out of text before a model, a recording or a trace sees it.

The shapes are those of detect-secrets, asked one by one and never over the network; what it leaves
out (whole key files, keys of some services) is added here. Text of high entropy is no secret by
itself: a data engineer's files are full of digests.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

MARK = "[redacted: {}]"
"""What stands in the place of a secret; the same text always gives the same mark."""

_PLUGINS = (
    "artifactory.ArtifactoryDetector",
    "aws.AWSKeyDetector",
    "azure_storage_key.AzureStorageKeyDetector",
    "basic_auth.BasicAuthDetector",
    "cloudant.CloudantDetector",
    "discord.DiscordBotTokenDetector",
    "github_token.GitHubTokenDetector",
    "gitlab_token.GitLabTokenDetector",
    "ibm_cloud_iam.IbmCloudIamDetector",
    "ibm_cos_hmac.IbmCosHmacDetector",
    "mailchimp.MailchimpDetector",
    "npm.NpmDetector",
    "openai.OpenAIDetector",
    "pypi_token.PypiTokenDetector",
    "sendgrid.SendGridDetector",
    "slack.SlackDetector",
    "softlayer.SoftlayerDetector",
    "square_oauth.SquareOAuthDetector",
    "stripe.StripeDetector",
    "telegram_token.TelegramBotTokenDetector",
    "twilio.TwilioKeyDetector",
)
_SHAPES = {
    "API key": re.compile(r"\bsk-(?:ant-)?[A-Za-z0-9_-]{20,}"),
    "Google API key": re.compile(r"\bAIza[0-9A-Za-z_-]{35}"),
    "Databricks token": re.compile(r"\bdapi[0-9a-f]{32}\b"),
    "JSON Web Token": re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"),
    "authorization": re.compile(r"(?i)(?<=bearer )[A-Za-z0-9._~+/-]{16,}=*"),
}
_KEY_FILE = re.compile(
    r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?)-----"
    r"(?:(?:(?!-----BEGIN ).)*?-----END \1-----|(?:\s*[A-Za-z0-9+/=]{16,}\s*$)*)",
    re.DOTALL | re.MULTILINE,
)
_ASSIGNMENT = re.compile(r"""^\s*(?:\d+\s+|export\s+|-\s+)*["']?[\w.-]+["']?\s*[:=]\s*\S""")
_PLAIN = frozenset("null none true false yes no varchar text string".split())
_NAMES_ITSELF = re.compile(r"(?i)[a-z_]*(?:passw(?:or)?d|pwd|pass|secret|key|token)")
_SECRET_NAME = re.compile(r"(?i)(?:key|token|secret|passw(?:or)?d|pwd|dsn|credentials?)$")
_ATTRIBUTE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+[,;)\]}]*")
_SHORTEST = 4
_SHORTEST_KNOWN = 8
_ROUNDS = 50


def redact(text: str, known: Sequence[str] = ()) -> str:
    """The text with every secret replaced by a mark that says what kind it was.

    Args:
        text: what a tool said, a file, a row.
        known: secrets by value, such as :func:`known_secrets` finds them.
    """
    for value in sorted(known, key=len, reverse=True):
        text = text.replace(value, MARK.format("a secret of the environment"))
    text = _KEY_FILE.sub(MARK.format("private key"), text)
    return "".join(_line(line) for line in text.splitlines(keepends=True))


def known_secrets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The values of the variables whose names say that they are secret."""
    values = (value for name, value in environ.items() if _SECRET_NAME.search(name))
    return tuple(sorted({value for value in values if len(value) >= _SHORTEST_KNOWN}))


def _line(line: str) -> str:
    text = line.rstrip("\r\n")
    end = line[len(text) :]
    for kind, shape in _SHAPES.items():
        text = shape.sub(MARK.format(kind), text)
    for kind, shape in _shapes():
        text = shape.sub(lambda found, kind=kind: _replaced(found, kind), text)  # type: ignore[misc]
    for _ in range(_ROUNDS):  # it names one secret of a kind at a time
        value = next(_assigned(text), None)
        if value is None:
            break
        text = text.replace(value, MARK.format("password or key"))
    return text + end


def _replaced(found: re.Match[str], kind: str) -> str:
    """The match with its secret replaced: the only group where that is long enough to be one."""
    whole, groups = found.group(), [g for g in found.groups() if g]
    secret = groups[0] if len(groups) == 1 and len(groups[0]) >= _SHORTEST else whole
    return whole if "[redacted" in whole else whole.replace(secret, MARK.format(kind))


def _assigned(line: str) -> Iterator[str]:
    """What a name such as ``password`` is given: quoted anywhere, or bare on its own line."""
    keyword, config = _keyword()
    for place in [None, config] if _ASSIGNMENT.match(line) else [None]:
        for value in keyword.analyze_string(line, place):
            bare = value.strip() if place is None else value.split()[0]
            if place is not None and _is_prose_or_code(bare, line):
                continue
            if _is_written_down(bare, line):
                yield bare


def _is_prose_or_code(bare: str, line: str) -> bool:
    """Whether an unquoted value goes on as a sentence does, or names an attribute."""
    rest = line.partition(bare)[2].strip()
    sentence = bare.isalpha() and rest and not rest.startswith("#")
    return bool(sentence) or _ATTRIBUTE.fullmatch(bare) is not None


def _is_written_down(value: str, line: str) -> bool:
    """Whether it is the secret itself, and no reference to one, no type, no code, no mark."""
    from detect_secrets.filters import heuristic  # noqa: PLC0415  # not light

    if len(value) < _SHORTEST or value.lower() in _PLAIN or _NAMES_ITSELF.fullmatch(value):
        return False
    if value.startswith(("{", "env:", "vault:", "secret:", "<", "[redacted")) or "(" in value:
        return False
    return not (
        heuristic.is_templated_secret(value)
        or heuristic.is_prefixed_with_dollar_sign(value)
        or heuristic.is_indirect_reference(line)
        or heuristic.is_not_alphanumeric_string(value)
    )


@cache
def _shapes() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Kind and shape of what the detectors know; imported when first needed: it is not light."""
    found: list[tuple[str, re.Pattern[str]]] = []
    for name in _PLUGINS:
        module, kind = name.split(".")
        plugin: Any = getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), kind)
        found += [(str(plugin.secret_type), shape) for shape in plugin.denylist]
    return tuple(found)


@cache
def _keyword() -> tuple[Any, Any]:
    from detect_secrets.plugins.keyword import (  # noqa: PLC0415  # not light
        CONFIG_DENYLIST_REGEX_TO_GROUP,
        KeywordDetector,
    )

    return KeywordDetector(), CONFIG_DENYLIST_REGEX_TO_GROUP
