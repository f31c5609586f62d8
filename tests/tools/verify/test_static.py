from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.verify.specs import spec
from tools.artifact import Artifact
from tools.findings import Finding, Fix
from tools.generate.base import generate
from tools.plan import make_plan
from tools.spec.load import LoadedSpec
from tools.spec.suggest import only_candidate
from tools.verify.static import check_static

SHOP = (Path(__file__).parent / "cases" / "shop.yaml").read_text()

SOURCE = """
pipeline: p
sources:
  - name: s
    system: files
    tables: [{name: t, columns: [{name: id, type: bigint}, {name: Name, type: varchar}]}]
"""


def sql(text: str, name: str = "m", folder: str = "models/marts") -> Artifact:
    return Artifact(f"generated/dbt/{folder}/{name}.sql", text, "compiled", "p")


def contract(*columns: str, name: str = "m") -> Artifact:
    lines = "".join(
        f"      - name: {c.split(' ')[0]}\n        data_type: {c.split(' ', 1)[1]}\n"
        for c in columns
    )
    text = (
        f"version: 2\nmodels:\n  - name: {name}\n    config: {{contract: {{enforced: true}}}}\n"
        f"    columns:\n{lines}"
    )
    return Artifact(f"generated/dbt/models/marts/{name}.yml", text, "compiled", "p")


RENAMED = {"old": "nme", "new": "Name"}


def check(*artifacts: Artifact, others: dict[str, LoadedSpec] | None = None) -> list[Finding]:
    return list(check_static(spec(SOURCE), artifacts, others or {}))


def test_generated_code_has_nothing_to_say() -> None:
    loaded = spec(SHOP)
    artifacts = generate(make_plan(loaded.spec, loaded.digest), loaded.spec)
    assert sum(a.path.endswith(".sql") for a in artifacts) > 8
    assert not list(check_static(loaded, artifacts, {}))


def test_sql_that_does_not_parse_is_named_with_its_line() -> None:
    (finding,) = check(sql("-- a comment\nselect id from {{ source('s', 't') }}\nwhere ("))
    assert finding.code == "STA001"
    assert finding.location is not None
    assert (finding.location.path, finding.location.line) == ("generated/dbt/models/marts/m.sql", 3)


def test_jinja_that_does_not_nest() -> None:
    (finding,) = check(sql("select 1 as a {% endif %}"))
    assert "endif without if" in finding.message


def test_an_unknown_column_of_a_source() -> None:
    (finding,) = check(sql("select id,\n  nme\nfrom {{ source('s', 't') }}"))
    assert finding.code == "STA002"
    assert finding.location is not None
    assert finding.location.line == 2
    assert "Name" in finding.hint
    assert finding.fix == Fix("rename_column", "generated/dbt/models/marts/m.sql", RENAMED)


def test_no_rename_where_two_columns_could_be_meant() -> None:
    assert only_candidate("amont", ["id", "amount"]) == "amount"
    assert only_candidate("amont", ["amount", "amounts"]) is None


def test_both_branches_are_read() -> None:
    text = (
        "select id from {{ source('s', 't') }}\n{% if is_incremental() %}\n"
        "where nope > 1\n{% else %}\nwhere neither > 1\n{% endif %}"
    )
    assert {f.subject for f in check(sql(text))} == {"m.nope", "m.neither"}


def test_an_unknown_column_of_another_model() -> None:
    first = sql("select id as k from {{ source('s', 't') }}", "first")
    second = sql("select k, id from {{ ref('first') }}", "second")
    (finding,) = check(second, first)
    assert finding.subject == "second.id"


def test_a_model_of_another_spec_has_the_columns_that_it_declares() -> None:
    other = spec(
        "pipeline: o\nmodels:\n  - name: theirs\n    from: x.y\n"
        "    columns: [{name: a, type: bigint}]\n"
    )
    model = sql("select a, b from {{ ref('theirs') }}")
    (finding,) = check(model, others={"theirs": other})
    assert finding.subject == "m.b"


def test_singular_tests_are_read_too() -> None:
    model = sql("select id from {{ source('s', 't') }}")
    (finding,) = check(model, sql("select nope from {{ ref('m') }}", "t", "tests"))
    assert finding.subject == "t.nope"


@pytest.mark.parametrize(
    ("columns", "codes"),
    [
        (("id bigint", "Name varchar"), []),
        (("ID bigint", "name text"), []),
        (("id bigint",), ["STA003"]),
        (("id bigint", "name varchar", "more bigint"), ["STA003"]),
        (("id varchar", "name varchar"), ["STA004"]),
        (("name varchar", "id bigint"), ["STA005"]),
    ],
)
def test_contracts(columns: tuple[str, ...], codes: list[str]) -> None:
    model = sql("select id, name from {{ source('s', 't') }}")
    assert [f.code for f in check(model, contract(*columns))] == codes


def test_a_computed_type_is_left_to_the_build() -> None:
    model = sql("select id + 1 as id from {{ source('s', 't') }}")
    assert not check(model, contract("id integer"))


def test_properties_that_are_no_yaml() -> None:
    broken = Artifact("generated/dbt/models/x.yml", "models: [\n", "compiled", "p")
    (finding,) = check(broken)
    assert finding.code == "STA006"
