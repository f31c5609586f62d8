"""From settings and environment to a model."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agent.config import Settings
from agent.models import has_model, limits_from, model_from
from tests.agent.support import environment
from tools.errors import NeedsModel, ProgramMissing


def test_a_key_makes_a_model() -> None:
    model = model_from(Settings(model="m"), {"ANTHROPIC_API_KEY": " key\n"})
    assert model.name == "m"
    assert has_model(Settings(), {"ANTHROPIC_API_KEY": "key"})


@pytest.mark.parametrize("environ", [{}, {"ANTHROPIC_API_KEY": ""}, {"ANTHROPIC_API_KEY": " \n"}])
def test_without_a_key_one_line_says_how_to_set_one(environ: dict[str, str]) -> None:
    with pytest.raises(NeedsModel) as caught:
        model_from(Settings(), environ)
    assert caught.value.exit_code == 4
    assert "export ANTHROPIC_API_KEY=" in caught.value.remedy
    assert not has_model(Settings(), environ)


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel"])
def test_a_key_that_is_none_is_not_repeated(key: str) -> None:
    with pytest.raises(NeedsModel) as caught:
        model_from(Settings(), {"ANTHROPIC_API_KEY": key})
    assert key not in f"{caught.value.message}{caught.value.remedy}"


def test_a_provider_whose_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.models.find_spec", lambda _: None)
    with pytest.raises(ProgramMissing, match="bedrock") as caught:
        model_from(Settings(provider="bedrock"), {"AWS_REGION": "eu-west-1"})
    assert caught.value.remedy == "install it: pip install 'specmill[bedrock]'"


def test_a_provider_needs_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.models.find_spec", lambda name: name)
    for provider, name in (("bedrock", "AWS_REGION"), ("vertex", "CLOUD_ML_REGION")):
        with pytest.raises(NeedsModel, match=name):
            model_from(Settings(provider=provider), {})  # type: ignore[arg-type]
        assert model_from(Settings(provider=provider), {name: "eu"})  # type: ignore[arg-type]


def test_limits_are_those_of_the_settings() -> None:
    limits = limits_from(Settings(money=1.0, turns=2, seconds=3.0, max_tokens=100_000))
    assert (limits.money, limits.turns, limits.seconds) == (1.0, 2, 3.0)
    assert (limits.max_tokens, limits.max_tokens_cap) == (100_000, 100_000)


def test_making_a_model_imports_no_sdk() -> None:
    code = (
        "import sys; from agent.models import model_from; from agent.config import Settings; "
        "model_from(Settings(), {'ANTHROPIC_API_KEY': 'k'}); print('anthropic' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True
    )
    assert done.stdout.strip() == "False"
