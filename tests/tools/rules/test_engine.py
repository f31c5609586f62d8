import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cases import each
from tools.artifact import Artifact
from tools.errors import InternalError
from tools.findings import Location, Report, Severity
from tools.plan import make_plan
from tools.rules.article import Constitution
from tools.rules.breach import Options
from tools.rules.engine import Change, Subject, evaluate, gates
from tools.rules.load import parse_constitution
from tools.rules.registry import Check
from tools.spec.load import LoadedSpec, parse_spec
from tools.spec.resolve import resolve

TODAY = dt.date(2026, 1, 15)
SPEC = """pipeline: orders
sources:
  - name: shop
    system: mysql
    tables:
      - name: order
        columns:
          - {name: order_id, type: bigint}
          - {name: status, type: varchar}
        primary_key: [order_id]
models:
  - name: dim_order
    from: shop.order
    grain: [order_id]
    columns:
      - name: order_id
      - {name: status, tests: [not_null, {accepted_values: [a, b]}]}
validation:
  checks: [{name: fine, model: dim_order, expr: status <> 'x', severity: warn}]
"""


def loaded(text: str = SPEC) -> LoadedSpec:
    return parse_spec(text, path="specs/orders.yaml", file=Path("/platform/specs/orders.yaml"))


def rules(*blocks: str) -> Constitution:
    body = "\n".join(f"```rule\n{block}\n```\n" for block in blocks)
    return parse_constitution({"constitution/a.md": f"## A1 Test {{#A1}}\n\n{body}"})


def cel(on: str, expr: str, **more: str) -> Constitution:
    lines = [f"id: A1.R1\nlevel: SHOULD\non: {on}\nexpr: {json.dumps(expr)}\nmessage: no"]
    return rules("\n".join([*lines, *(f"{k}: {json.dumps(v)}" for k, v in more.items())]))


def subject(**more: Any) -> Subject:
    spec = loaded()
    values = {"plan": None, "artifacts": (), "today": TODAY, **more}
    return Subject(loaded=spec, **values)


SQL = Artifact(
    "generated/dbt/models/marts/dim_order.sql",
    "select b.*, c, now() as at\n"
    "from {{ ref('b') }} as b join {{ source('s', 't') }} as t using (d)\n",
    "compiled",
    "orders",
)
YML = Artifact(
    "generated/dbt/models/marts/dim_order.yml",
    "models:\n  - name: dim_order\n    columns:\n      - {name: order_id, data_tests: [unique]}\n",
    "compiled",
    "orders",
)


def test_a_breach_says_rule_place_subject_and_hint() -> None:
    constitution = cel("column", 'column.name == "order_id"', hint="call it so")
    (found,) = evaluate(constitution, subject())
    assert found.code == "A1.R1"
    assert found.severity is Severity.WARNING
    assert found.message == "no"
    assert found.location == Location("specs/orders.yaml", 17, 9)
    assert found.subject == "dim_order.status"
    assert found.hint == "call it so"


def test_must_is_an_error() -> None:
    text = "id: A1.R1\nlevel: MUST\non: spec\nexpr: 'false'\nmessage: no"
    examples = "```pass\n```\n```fail\n```\n"
    constitution = parse_constitution(
        {"c/a.md": f"## A1 Test {{#A1}}\n\n```rule\n{text}\n```\n{examples}"}
    )
    report = evaluate(constitution, subject())
    assert [f.severity for f in report] == [Severity.ERROR]
    assert not report.ok


@each(Path(__file__).parent / "cases" / "items.yaml")
def test_what_rules_look_at(case: dict[str, Any]) -> None:
    spec = loaded()
    about = Subject(
        loaded=spec,
        plan=make_plan(spec.spec, spec.digest),
        artifacts=(SQL, YML),
        changed=(Change("x.txt", "added", None, "text"),),
        today=TODAY,
    )
    found = evaluate(cel(case["on"], case["expr"]), about)
    assert [str(f) for f in found if f.code != "A1.R1"] == []
    assert sorted(f.subject for f in found) == case.get("finds", [])


def test_parts_that_are_missing_are_not_looked_at() -> None:
    nothing = Subject(loaded=None, plan=None, artifacts=(), today=TODAY)
    for on in ("spec", "source", "model", "column", "test", "plan", "sql", "dag", "diff"):
        assert len(evaluate(cel(on, "false"), nothing)) == 0


def test_sql_is_looked_at_without_a_spec() -> None:
    constitution = rules("id: A1.R1\nlevel: SHOULD\non: sql\ncheck: no_select_star")
    artifact = Artifact("models/a.sql", "select * from {{ ref('b') }}", "authored", "x")
    found = evaluate(constitution, Subject(None, None, (artifact,), today=TODAY))
    assert [str(f.location) for f in found] == ["models/a.sql:1"]


def test_when_decides_whether_a_rule_applies() -> None:
    assert len(evaluate(cel("model", "false", when='model.layer == "staging"'), subject())) == 0
    assert len(evaluate(cel("model", "false", when='model.layer == "marts"'), subject())) == 1


@pytest.mark.parametrize("key", ["expr", "when"])
@pytest.mark.parametrize(
    "text", ["model.nothing == 1", "size(model) > 'a'", "model.name", "1/0 == 1"]
)
def test_a_rule_without_an_answer_is_a_finding(key: str, text: str) -> None:
    constitution = cel("model", "true", when=text) if key == "when" else cel("model", text)
    (found,) = evaluate(constitution, subject())
    assert found.code == "CON013"
    assert found.severity is Severity.WARNING
    assert found.message.startswith("A1.R1 cannot be evaluated on dim_order: ")
    assert found.location == Location("constitution/a.md", 3)


def test_a_rule_without_an_answer_cannot_be_waived() -> None:
    constitution = parse_constitution(
        {
            "c/a.md": "## A1 T {#A1}\n\n```rule\nid: A1.R1\nlevel: SHOULD\non: model\n"
            "expr: model.nothing == 1\nmessage: no\n```\n",
            "c/waivers.yaml": "- {rule: A1.R1, path: a, reason: r, owner: o, expires: 2027-01-01}",
        }
    )
    codes = [(f.code, f.severity) for f in evaluate(constitution, subject())]
    assert ("CON013", Severity.WARNING) in codes


def test_sql_that_does_not_parse_is_an_error_once_for_all_rules() -> None:
    constitution = rules(
        "id: A1.R1\nlevel: SHOULD\non: sql\ncheck: no_select_star",
        "id: A1.R2\nlevel: SHOULD\non: sql\nexpr: 'true'\nmessage: no",
    )
    broken = Artifact("models/a.sql", "\nselect a from b where (\n", "authored", "orders")
    (found,) = evaluate(constitution, subject(artifacts=(broken,)))
    assert (found.code, found.severity) == ("CON014", Severity.ERROR)
    assert str(found.location) == "models/a.sql:2"


def test_yaml_that_cannot_be_read_is_an_error() -> None:
    broken = Artifact("models/a.yml", "models: [\n", "authored", "orders")
    (found,) = evaluate(cel("model", "true"), subject(artifacts=(broken,)))
    assert (found.code, found.severity) == ("CON014", Severity.ERROR)
    assert found.location
    assert found.location.path == "models/a.yml"


def test_prose_is_reported_as_not_checked() -> None:
    constitution = parse_constitution({"c/a.md": "## A1 Manners {#A1}\n\nBe kind.\n"})
    (found,) = evaluate(constitution, subject())
    assert (found.code, found.severity) == ("CON015", Severity.NOTE)
    assert found.message == "A1 Manners is prose only: not machine-checked"


def test_the_previous_spec_is_read_from_the_change() -> None:
    change = Change("specs/orders.yaml", "modified", SPEC.replace("orders", "older", 1), SPEC)
    about = subject(changed=(change,))
    assert len(evaluate(cel("diff", 'previous.pipeline == "older"'), about)) == 0


def test_what_is_only_assumed_is_no_change() -> None:
    bare = "pipeline_spec:\n  source: {system: mysql, table: t}\n"
    bare += "  target: {platform: snowflake, table: dim_t}\n"
    bare += "  transformation: {logic: [{load_strategy: scd2}]}\n  validation: {primary_key: id}\n"
    loaded_spec = resolve(parse_spec(bare, path="s.yaml", file=Path("/nowhere/s.yaml")), ())
    change = Change("s.yaml", "modified", bare + "# a comment\n", bare)
    about = Subject(loaded_spec, None, (), (change,), TODAY)
    assert len(evaluate(cel("diff", "spec == previous"), about)) == 0


def test_a_previous_spec_that_was_none_is_none() -> None:
    change = Change("specs/orders.yaml", "modified", "not: [a spec", SPEC)
    assert len(evaluate(cel("diff", "previous == null"), subject(changed=(change,)))) == 0


def test_a_bug_in_a_check_is_no_pass() -> None:
    def run(item: Any, params: Any) -> Any:
        raise InternalError("bug")

    broken = Check("naming", frozenset({"model"}), Options, run, "doc")
    constitution = rules("id: A1.R1\nlevel: SHOULD\non: model\ncheck: naming")
    with pytest.raises(InternalError):
        evaluate(constitution, subject(), checks={"naming": broken})


def test_gates() -> None:
    def gate(name: str, when: str) -> str:
        return f"```gate\nid: A1.{name}\nbefore: generate\n{when}message: look\n```\n"

    blocks = [
        gate("G1", ""),
        gate("G2", "when: spec.pipeline == 'orders'\n"),
        gate("G3", "when: spec.pipeline == 'other'\n"),
        gate("G4", "when: spec.nothing == 1\n"),
    ]
    constitution = parse_constitution({"c/a.md": "## A1 T {#A1}\n\n" + "".join(blocks)})
    assert [g.id for g in gates(constitution, subject())] == ["A1.G1", "A1.G2", "A1.G4"]


def test_findings_are_json() -> None:
    report = evaluate(cel("column", "false"), subject())
    assert len(report) > 0
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report
