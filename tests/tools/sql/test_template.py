from pathlib import Path
from typing import Any

import pytest

from tests.cases import each
from tools.sql import template
from tools.sql.parse import SqlError

CASES = Path(__file__).parent / "cases"


@each(CASES / "template.yaml")
def test_plain(case: dict[str, Any]) -> None:
    found = template.plain(case["text"], case.get("keep", "first"))
    assert found == case["plain"]
    assert found.count("\n") == case["text"].count("\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{% if a %} x", "if without endif"),
        ("x {% endif %}", "endif without if"),
        ("{% for a in b %}{% endif %}", "endif without if"),
        ("{% else %}", "else without if"),
    ],
)
def test_blocks_that_do_not_nest(text: str, message: str) -> None:
    with pytest.raises(SqlError, match=message):
        template.plain(text)


def test_variants_are_one_where_nothing_branches() -> None:
    assert template.variants("select 1") == ("select 1",)
    assert template.variants("a{% if b %}c{% else %}d{% endif %}") == ("ac", "ad")


def test_references() -> None:
    text = (
        "{{ ref('b') }} {{ ref('a') }} {{ ref('b') }} {{ source('s', 't') }} {# {{ ref('c') }} #}"
    )
    assert template.refs(text) == ("b", "a")
    assert template.sources(text) == (("s", "t"),)


def test_lines_of_tags() -> None:
    found = template.tags("a\n{{ b }}\n{% c %}\n{# d #}")
    assert [(t.kind, t.inner, t.line) for t in found] == [
        ("expression", "b", 2),
        ("statement", "c", 3),
        ("comment", "d", 4),
    ]
