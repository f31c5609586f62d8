"""Workflows: the shipped ones, the mistakes in ``cases/workflows/*.md``, and which one is chosen.

Each case ends with a comment that lists what is found in it: line:column, code, the beginning of
the message. Every finding has to be listed, and every listed one found.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from ruamel.yaml import YAML

from tools.errors import InputError, UsageError
from tools.findings import Finding, Severity
from tools.spec.model import Spec
from tools.workflow import (
    Workflow,
    bind,
    choose,
    lint,
    load_workflow,
    load_workflows,
    parse_workflow,
    to_skill,
    workflow_schema,
)
from tools.workflow_choose import PARTS, cadence
from tools.workflow_model import SpecPart
from tools.workflow_steps import (
    STEP_CLASSES,
    RepairStep,
    RulesStep,
    RunStep,
    StepKind,
    TestStep,
    matches_any,
)

SHIPPED = Path(__file__).parents[2] / "workflows"
CASES = sorted((Path(__file__).parent / "cases" / "workflows").glob("*.md"))
MINIMAL = """\
---
name: small
description: As little as works.
steps:
  - {name: plan, kind: plan}
  - {name: generate, kind: generate}
  - {name: test, kind: test}
---
"""


def workflow(text: str = MINIMAL, path: str = "workflows/small.md") -> Workflow:
    return parse_workflow(text, path)


def named(name: str, applies_to: str = "") -> Workflow:
    line = f"applies-to: {applies_to}\n" if applies_to else ""
    return workflow(
        MINIMAL.replace("name: small", f"name: {name}").replace("steps:", f"{line}steps:")
    )


def spec(**parts: Any) -> Spec:
    return Spec.model_validate({"pipeline": "p", **parts})


# The files


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_mistakes_are_found_where_they_are(path: Path) -> None:
    expected = re.findall(
        r"^(\d+:\d+) (\S+) (.+)$", path.read_text("utf-8").split("<!-- expect")[1], re.M
    )
    with pytest.raises(InputError) as caught:
        load_workflow(path)
    found = [f for f in caught.value.findings if f.severity is Severity.ERROR]
    said = [
        (str(f.location).split(".md:")[1], f.code, str(f).split(f"{f.code} ")[1]) for f in found
    ]
    assert len(said) == len(expected), said
    for line in expected:
        assert any(s[:2] == line[:2] and s[2].startswith(line[2]) for s in said), (line, said)
    assert str(caught.value).startswith(str(found[0].location))


def test_the_shipped_workflows_are_right() -> None:
    workflows = load_workflows(SHIPPED)
    assert set(workflows) >= {
        "build-pipeline", "scd2-dimension", "ingest-source", "hourly-orchestration",
        "downstream-tests", "repair",
    }  # fmt: skip
    for name, found in workflows.items():
        assert Path(found.path).stem == name
        assert not lint(found).findings
        assert all(step.instructions for step in found.steps)


def test_the_default_path_of_the_design() -> None:
    kinds = [step.kind for step in load_workflows(SHIPPED)["build-pipeline"].steps]
    assert kinds == ["plan", "generate", "test", "repair", "review", "commit"]


def test_a_workflow_knows_its_text_and_places() -> None:
    text = MINIMAL + "\n# Small\n\nIntro.\n\n## test\n\nRun it. Look at it.\n"
    found = workflow(text)
    assert found.digest == hashlib.sha256(text.encode()).hexdigest()
    assert found.intro == "# Small\n\nIntro."
    step = found.step("test")
    assert step is not None
    assert (step.line, step.title, step.instructions) == (7, "Run it.", "Run it. Look at it.")
    assert str(found.at("steps", 2, "kind")) == "workflows/small.md:7:18"
    assert str(found.at("steps", 9, "kind")) == "workflows/small.md:4:1"
    assert found.step("nothing") is None


def test_line_ends_and_byte_order_mark_do_not_matter() -> None:
    assert workflow("\ufeff" + MINIMAL.replace("\n", "\r\n")) == workflow()


def test_a_workflow_is_frozen() -> None:
    with pytest.raises(ValidationError):
        workflow().name = "other"  # type: ignore[misc]


def test_no_such_file_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        load_workflow(tmp_path / "none.md")
    with pytest.raises(UsageError):
        load_workflows(tmp_path / "none")


def test_a_large_or_a_binary_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "large.md").write_text(MINIMAL + "x" * 300_000)
    (tmp_path / "binary.md").write_bytes(MINIMAL.encode() + b"\n\xff\xfe")
    for name in ("large.md", "binary.md"):
        with pytest.raises(InputError):
            load_workflow(tmp_path / name)


def test_a_folder_tells_every_mistake_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(MINIMAL)
    (tmp_path / "b.md").write_text(MINIMAL)
    (tmp_path / "c.md").write_text(MINIMAL.replace("kind: test", "kind: tset"))
    (tmp_path / "README.md").write_text("No workflow.")
    with pytest.raises(InputError) as caught:
        load_workflows(tmp_path)
    messages = [f.message for f in caught.value.findings]
    assert len(messages) == 2
    assert messages[0].startswith("the workflow small is also in ")
    assert messages[0].endswith("a.md")
    assert messages[1] == "there is no kind of step tset"


def findings_of(text: str) -> tuple[Finding, ...]:
    """What is wrong with a text; any other exception than InputError is a bug."""
    try:
        parse_workflow(text, "x.md")
    except InputError as error:
        return error.findings or (Finding("NONE", Severity.ERROR, "an error without a finding"),)
    return ()


@given(st.text(alphabet="-{}[]:,#&*!|>'\"%@` \nabkindstepr0", max_size=200))
def test_no_text_ends_in_a_traceback(text: str) -> None:
    for front in (text, f"name: x\ndescription: y\nsteps:\n{text}"):
        assert all(f.location for f in findings_of(f"---\n{front}\n---\n## {text}"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = ["name", "description", "applies-to", "parameters", "allowed-tools", "budget", "steps"]


@given(st.sampled_from(KEYS), VALUES)
def test_no_value_ends_in_a_traceback(key: str, value: Any) -> None:
    front: dict[str, Any] = dict(YAML(typ="safe", pure=True).load(MINIMAL.strip("-\n")))
    text = f"---\n{json.dumps({**front, key: value})}\n---\n"
    assert all(f.location for f in findings_of(text))


# Steps


def test_every_kind_has_a_class() -> None:
    assert set(STEP_CLASSES) == set(get_args(StepKind))
    assert set(PARTS) == set(get_args(SpecPart))


@pytest.mark.parametrize(
    "path",
    ["specs/a.yaml", "tests/x/test_a.py", "generated/dbt/tests/a.sql", "constitution/1.md",
     "Specs/a.yaml", "./specs/a.yaml", "x/../specs/a.yaml", "../elsewhere.py", "/etc/passwd", "..",
     ".ci/run", "x/test_y.py", "generated/dbt/macros/interval_tests.sql", "workflows/repair.md",
     "specs\\a.yaml"],
)  # fmt: skip
def test_a_repair_never_touches_what_judges_it(path: str) -> None:
    assert RepairStep(name="repair", kind="repair").refuses(path)


def test_a_repair_touches_the_rest_unless_it_says_otherwise() -> None:
    step = RepairStep.model_validate(
        {"name": "repair", "kind": "repair", "may-not-touch": ["data/**", "*.toml"]}
    )
    assert not step.refuses("generated/dbt/models/marts/specs.sql")
    assert not step.refuses("x/pyproject.toml")
    assert step.refuses("pyproject.toml")
    assert step.refuses("data/deep/er/a.csv")


def test_globs() -> None:
    assert matches_any("a/b/c.sql", ("a/**/c.sql",))
    assert matches_any("a/c.sql", ("a/**/c.sql",))
    assert not matches_any("a/b/c.sql", ("a/*.sql",))
    assert not matches_any("axsql", ("a.sql",))


def test_rules_and_tests_select() -> None:
    assert RulesStep(name="r", kind="rules").selects("A2.R1")
    assert RulesStep(name="r", kind="rules", articles=("A1",)).selects("A1.R7")
    assert not RulesStep(name="r", kind="rules", articles=("A1",)).selects("A10.R1")
    assert TestStep(name="t", kind="test", tiers=("build", "oracle")).missing(("build",)) == (
        "oracle",
    )


def test_tools_of_an_agent_step() -> None:
    found = load_workflows(SHIPPED)["downstream-tests"]
    cover, test = found.step("cover"), found.step("test")
    assert cover is not None
    assert test is not None
    assert set(found.tools_of(cover)) < set(found.allowed_tools)
    assert found.tools_of(test) == found.allowed_tools


# Choice


SCD2 = {"name": "m", "from": "t", "load": {"strategy": "scd2", "key": ["id"]}}
FULL = {"name": "m", "from": "t"}
STAGED = {"name": "m", "from": "t", "layer": "staging"}
SHOP = [{"name": "shop", "system": "MySQL", "tables": [{"name": "t"}]}]


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ({"models": [FULL]}, "build-pipeline"),
        ({"models": [SCD2]}, "scd2-dimension"),
        ({"models": [SCD2], "orchestration": {"schedule": "@hourly"}}, "scd2-dimension"),
        ({"models": [FULL], "orchestration": {"schedule": "*/5 * * * *"}}, "hourly-orchestration"),
        ({"models": [FULL], "orchestration": {"schedule": "@daily"}}, "build-pipeline"),
        ({"sources": SHOP, "models": [STAGED]}, "ingest-source"),
        ({"sources": SHOP}, "ingest-source"),
        ({"sources": SHOP, "models": [STAGED, {**FULL, "name": "n"}]}, "build-pipeline"),
    ],
)
def test_the_shipped_workflow_of_a_spec(parts: dict[str, Any], name: str) -> None:
    choice = choose(load_workflows(SHIPPED), spec(**parts))
    assert choice.workflow.name == name
    assert choice.reason


def test_the_reason_names_the_conditions_and_what_applied_as_well() -> None:
    both = spec(models=[SCD2], orchestration={"schedule": "@hourly"})
    choice = choose(load_workflows(SHIPPED), both)
    assert choice.reason == "a model is loaded as scd2"
    assert choice.others == ("hourly-orchestration",)


def test_a_name_wins_over_everything() -> None:
    workflows = load_workflows(SHIPPED)
    choice = choose(workflows, spec(models=[SCD2]), "repair")
    assert (choice.workflow.name, choice.reason) == ("repair", "asked for by name")
    with pytest.raises(UsageError) as caught:
        choose(workflows, spec(), "repiar")
    assert caught.value.remedy == "did you mean 'repair'?"


def test_priority_then_conditions_then_name() -> None:
    flows = [
        named("build-pipeline"),
        named("b", "{load: full}"),
        named("a", "{load: [full, append]}"),
        named("two", "{load: full, layer: marts}"),
        named("never", "{load: full, layer: staging, priority: 900}"),
    ]
    one = spec(models=[FULL])
    assert choose({f.name: f for f in flows}, one).workflow.name == "two"
    assert choose({f.name: f for f in flows if f.name != "two"}, one).workflow.name == "a"
    flows.append(named("first", "{lacks: consumers, priority: 1}"))
    for order in (flows, flows[::-1]):
        assert choose({f.name: f for f in order}, one).workflow.name == "first"


@pytest.mark.parametrize(
    ("condition", "holds"),
    [("{system: mysql}", True), ("{system: [oracle, MYSQL]}", True), ("{system: oracle}", False),
     ("{has: sources}", True), ("{has: [sources, consumers]}", False), ("{lacks: examples}", True),
     ("{lacks: [examples, models]}", False), ("{only-layer: [marts, staging]}", True),
     ("{only-layer: staging}", False), ("{cadence: daily}", True), ("{priority: 5}", False)],
)  # fmt: skip
def test_conditions(condition: str, holds: bool) -> None:
    flows = {f.name: f for f in (named("build-pipeline"), named("special", condition))}
    one = spec(sources=SHOP, models=[FULL], orchestration={"schedule": "0 6 * * *"})
    assert (choose(flows, one).workflow.name == "special") == holds


def test_nothing_applies_and_there_is_no_default() -> None:
    with pytest.raises(UsageError, match="no workflow applies to p"):
        choose({"x": named("x")}, spec())


@pytest.mark.parametrize(
    ("schedule", "fires"),
    [(None, None), ("@hourly", "hourly"), ("5 * * * *", "hourly"), ("0 8-18 * * 1-5", "hourly"),
     ("*/15 * * * *", "minutes"), ("0,30 * * * *", "minutes"), ("0 */6 * * *", "other"),
     ("0 6 * * *", "daily"), ("0 6 * * 1-5", "daily"), ("0 6 * * MON", "weekly"),
     ("@midnight", "daily"), ("0 6 1 * *", "monthly"), ("0 6 1,15 * *", "other"),
     ("0 6 1 1 *", "other"), ("nonsense", "other")],
)  # fmt: skip
def test_cadence(schedule: str | None, fires: str | None) -> None:
    assert cadence(schedule) == fires


# Parameters

WITH_PARAMETERS = """\
---
name: small
description: With parameters.
parameters:
  schema: {description: where it goes}
  limit: {description: how many, default: "10"}
steps:
  - {name: show, kind: run, argv: [tool, "--schema=${schema}", "${limit}", "${pipeline}"]}
---
## show

In ${schema}, at most ${limit}. Not $schema, not {schema}.
"""


def test_parameters_are_filled_in_argument_by_argument() -> None:
    found = workflow(WITH_PARAMETERS)
    bound = bind(found, {"schema": "a b; rm ${limit}", "pipeline": "p"})
    step = bound.steps[0]
    assert isinstance(step.options, RunStep)
    assert step.options.argv == ("tool", "--schema=a b; rm ${limit}", "10", "p")
    assert step.instructions.endswith("at most 10. Not $schema, not {schema}.")
    assert bound.digest == found.digest


def test_a_parameter_needs_a_value_and_a_value_a_parameter() -> None:
    found = workflow(WITH_PARAMETERS)
    with pytest.raises(UsageError, match="needs a value for schema"):
        bind(found, {})
    with pytest.raises(UsageError, match="has no parameter shema"):
        bind(found, {"shema": "x"})


def test_choose_binds_what_the_spec_gives() -> None:
    choice = choose({"small": workflow(WITH_PARAMETERS)}, spec(), "small", {"schema": "raw"})
    options = choice.workflow.steps[0].options
    assert isinstance(options, RunStep)
    assert options.argv[-1] == "p"


def test_an_unused_parameter_is_a_warning() -> None:
    text = MINIMAL.replace("steps:", "parameters:\n  x: {description: nothing}\nsteps:")
    (finding,) = lint(workflow(text))
    assert (finding.severity, str(finding.location)) == (Severity.WARNING, "workflows/small.md:5:3")


# Export


def test_skill_has_name_description_steps_and_sections() -> None:
    found = workflow(WITH_PARAMETERS.replace("With parameters.", "'Quotes: \"so\" # and more'"))
    skill = to_skill(found)
    _, front, body = skill.split("---\n", 2)
    assert YAML(typ="safe", pure=True).load(front) == {
        "name": "small",
        "description": 'Quotes: "so" # and more',
    }
    assert "# small\n" in body
    assert "1. `show` (run): In ${schema}, at most ${limit}.\n" in body
    assert "- `${limit}`: how many (default: 10)\n" in body
    assert "\n## show\n\nIn ${schema}" in body
    assert skill.endswith("\n")


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.md")), ids=lambda path: path.stem)
def test_the_schema_accepts_what_is_shipped(path: Path) -> None:
    front = path.read_text("utf-8").split("---\n")[1]
    data = YAML(typ="safe", pure=True).load(front)
    schema = workflow_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(data)


@pytest.mark.parametrize(
    "change",
    [{"bugdet": {}}, {"budget": {"turns": 0}}, {"applies-to": {"load": "scd3"}},
     {"steps": [{"name": "x", "kind": "run", "argv": "ls"}]},
     {"steps": [{"name": "x", "kind": "none"}]}],
)  # fmt: skip
def test_the_schema_refuses(change: dict[str, Any]) -> None:
    data = {"name": "x", "description": "y", "steps": [{"name": "plan", "kind": "plan"}], **change}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(workflow_schema()).validate(data)
