"""From settings and the environment to the model that answers, and to what it may use up.

The key comes from the environment alone. Where it is missing nothing else is tried: a key that is
found somewhere by luck is a bill that nobody expects.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from agent.config import KEY_VARIABLE, Provider, Settings
from agent.limits import Limits
from agent.model.base import Model
from tools.errors import NeedsModel, ProgramMissing

_REGIONS: dict[Provider, tuple[str, ...]] = {
    "bedrock": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "vertex": ("CLOUD_ML_REGION",),
}
_MODULES: dict[Provider, str] = {"bedrock": "botocore", "vertex": "google.auth"}


def model_from(settings: Settings, environ: Mapping[str, str]) -> Model:
    """The model of these settings; nothing is sent yet, and nothing heavy imported.

    Args:
        settings: ``model``, ``provider`` and ``base_url`` count.
        environ: holds the key.

    Raises:
        NeedsModel: there is no key, or no region of the provider; one line says how to set it.
        ProgramMissing: the provider needs a package that is not installed.
    """
    from agent.model.claude import Claude  # noqa: PLC0415  # imported when a model is wanted

    key = ""
    if settings.provider == "anthropic":
        key = _key(environ)
    else:
        _check_provider(settings.provider, environ)
    return Claude(settings.provider, settings.model, api_key=key, base_url=settings.base_url)


def limits_from(settings: Settings) -> Limits:
    """What a conversation may use up."""
    return Limits(
        turns=settings.turns,
        money=settings.money,
        seconds=settings.seconds,
        max_tokens=settings.max_tokens,
        max_tokens_cap=max(settings.max_tokens, Limits.max_tokens_cap),
    )


def has_model(settings: Settings, environ: Mapping[str, str]) -> bool:
    """Whether :func:`model_from` would give a model."""
    try:
        model_from(settings, environ)
    except (NeedsModel, ProgramMissing):
        return False
    return True


def _key(environ: Mapping[str, str]) -> str:
    key = environ.get(KEY_VARIABLE, "").strip()
    if not key:
        raise NeedsModel(
            f"this needs a model, and {KEY_VARIABLE} is not set",
            f"set a key in your environment: export {KEY_VARIABLE}=..., "
            'or choose SPECMILL_PROVIDER "bedrock" or "vertex"',
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise NeedsModel(
            f"{KEY_VARIABLE} does not hold a key: it has blanks or control characters in it",
            f"set it again, without line ends and quotes: export {KEY_VARIABLE}=...",
        )
    return key


def _check_provider(provider: Provider, environ: Mapping[str, str]) -> None:
    if not _installed(_MODULES[provider]):
        raise ProgramMissing(
            f"the provider {provider} needs a package that is not installed",
            f"install it: pip install 'specmill[{provider}]'",
        )
    names = _REGIONS[provider]
    if not any(environ.get(name) for name in names):
        raise NeedsModel(
            f"this needs a model, and {provider} needs a region, which {names[0]} does not say",
            f"set it in your environment: export {names[0]}=...",
        )


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package around it
        return False
