from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from tests.cases import each
from tools.sql.audit import Audit, audit
from tools.sql.flow import exposed_columns, ignores_duplicates
from tools.sql.parse import SqlError, parse_expression

CASES = Path(__file__).parent / "cases"


@each(CASES / "audit.yaml")
def test_audit(case: dict[str, Any]) -> None:
    found = audit(case["text"])
    shown = {
        f.name: [[s.line, s.what] for s in spots]
        for f in fields(Audit)
        if (spots := getattr(found, f.name))
    }
    assert shown == case["finds"]


@pytest.mark.parametrize(
    "text",
    [
        "select from where",
        "delete from {{ this }}",
        "select 1; select 2",
        "select 1 {% if a %} from from {% endif %}",
        "",
        "{{ config(enabled=false) }}",
        "select (((",
        "select '",
    ],
)
def test_what_does_not_parse_is_an_error_never_an_empty_audit(text: str) -> None:
    with pytest.raises(SqlError):
        audit(text)


@pytest.mark.parametrize(
    ("text", "exposed"),
    [
        ("email", ["email"]),
        ("lower(trim(c.email))", ["c.email"]),
        ("sha256(email || salt)", []),
        ("md5(email) || phone", ["phone"]),
        ("email is not null", []),
        ("count(distinct email)", []),
        ("max(email)", ["email"]),
        ("case when email like '%x' then country else city end", ["country", "city"]),
        ("case country when 'a' then email end", ["email"]),
        ("coalesce(email, phone)", ["email", "phone"]),
        ("length(email)", []),
        ("my_mask(email)", []),
        ("row_number() over (partition by email order by at)", []),
        ("first_value(email) over (order by at)", ["email"]),
        ("max(email) filter (where phone = '1')", ["email"]),
    ],
)
def test_exposed_columns(text: str, exposed: list[str]) -> None:
    assert [str(r) for r in exposed_columns(parse_expression(text, "duckdb"))] == exposed


@pytest.mark.parametrize(
    ("text", "ignores"),
    [
        ("max(a)", True),
        ("count(distinct a)", True),
        ("max(a) - min(a)", True),
        ("sum(a)", False),
        ("max(a) + count(*)", False),
        ("bool_or(a)", True),
        ("avg(a)", False),
        ("a + 1", False),
    ],
)
def test_ignores_duplicates(text: str, ignores: bool) -> None:
    assert ignores_duplicates(parse_expression(text, "duckdb")) is ignores
