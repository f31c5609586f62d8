"""Generated dbt projects, file by file."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests import golden
from tools.generate.base import generate, generators
from tools.plan import make_plan
from tools.spec.model import Spec

CASES = Path(__file__).parent / "cases"
DIGEST = "0123456789abcdef" * 4


def spec_of(name: str) -> Spec:
    return Spec.model_validate(YAML(typ="safe").load(CASES / f"{name}.yaml"))


def made(spec: Spec) -> dict[str, str]:
    artifacts = generate(make_plan(spec, DIGEST), spec)
    return {a.path.removeprefix("generated/dbt/"): a.content for a in artifacts}


@pytest.mark.parametrize("name", ["orders", "spend"])
def test_golden(name: str) -> None:
    files = {p: t for p, t in made(spec_of(name)).items() if not p.startswith("macros/")}
    golden.check(CASES / f"{name}.expected", files)


def test_same_spec_same_bytes() -> None:
    assert made(spec_of("orders")) == made(spec_of("orders"))


def test_every_kind_of_step_has_a_generator() -> None:
    for name in ("orders", "spend"):
        kinds = {s.kind for s in make_plan(spec_of(name), DIGEST).steps}
        assert kinds <= set(generators())


def test_shared_files_do_not_depend_on_the_pipeline() -> None:
    spec = spec_of("orders")
    other = spec.model_copy(update={"pipeline": "elsewhere", "version": "9.9.9"})
    one = {a.path: a for a in generate(make_plan(spec, DIGEST), spec)}
    two = {a.path: a for a in generate(make_plan(other, "f" * 64), other)}
    shared = [p for p, a in one.items() if a.owner == "workspace"]
    assert len(shared) > 5
    for path in shared:
        assert one[path] == two[path]


def test_no_select_star_and_no_trailing_space() -> None:
    for name in ("orders", "spend"):
        for path, text in made(spec_of(name)).items():
            assert text.endswith("\n")
            assert not any(line != line.rstrip() for line in text.split("\n")), path
            if path.startswith("models/") and path.endswith(".sql"):
                assert "select *" not in text


def test_authored_steps_and_what_waits_for_them_make_nothing() -> None:
    spec = spec_of("spend")
    models = [
        m.model_copy(update={"rules": ["Orders of the festival week count double."]})
        if m.name == "stg_orders"
        else m
        for m in spec.models
    ]
    held = spec.model_copy(update={"models": models})
    files = made(held)
    assert "models/staging/stg_orders.sql" not in files
    assert "models/marts/spend.sql" not in files
    assert "models/marts/event_stream.sql" in files
