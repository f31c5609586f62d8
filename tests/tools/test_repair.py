from __future__ import annotations

import pytest

from tools.artifact import Artifact
from tools.errors import InternalError
from tools.findings import Fix
from tools.repair import add_column_test, patched, refused, rename_column

PROPERTIES = """\
version: 2
models:
  # what orders are worth
  - name: fct_orders
    columns:
      - name: order_id
        data_tests:
          - unique
      - name: status  # as the shop spells it
"""


def test_a_test_is_added_and_nothing_else_changes() -> None:
    values = {"model": "fct_orders", "column": "ORDER_ID", "test": "not_null"}
    once = add_column_test(PROPERTIES, values)
    assert once == PROPERTIES.replace(
        "          - unique\n", "          - unique\n          - not_null\n"
    )
    assert add_column_test(once, values) == once


def test_a_column_without_tests_gets_a_list() -> None:
    made = add_column_test(
        PROPERTIES, {"model": "fct_orders", "column": "status", "test": "not_null"}
    )
    assert made.endswith("spells it\n        data_tests:\n          - not_null\n")


@pytest.mark.parametrize(
    "values",
    [
        {"model": "other", "column": "status", "test": "not_null"},
        {"model": "fct_orders", "column": "other", "test": "not_null"},
    ],
)
def test_what_is_not_there_is_left_alone(values: dict[str, str]) -> None:
    assert add_column_test(PROPERTIES, values) == PROPERTIES


@pytest.mark.parametrize("text", ["a: [", "- 1\n", "", "models: []\n"])
def test_what_is_no_properties_file_is_left_alone(text: str) -> None:
    assert add_column_test(text, {"model": "m", "column": "c", "test": "t"}) == text


def test_a_column_is_renamed_where_it_is_a_column() -> None:
    sql = (
        "select o.stat, \"stat\", stat_2, stat(1), 'stat' as x, -- stat\n"
        "  {{ ref('stat') }} /* stat */ from t where STAT = 'it''s stat'"
    )
    assert rename_column(sql, {"old": "stat", "new": "status"}) == (
        "select o.status, status, stat_2, stat(1), 'stat' as x, -- stat\n"
        "  {{ ref('stat') }} /* stat */ from t where status = 'it''s stat'"
    )


def artifact(path: str, content: str) -> Artifact:
    return Artifact(path, content, "compiled", "orders")


def test_fixes_are_applied_in_order_to_their_files() -> None:
    before = (artifact("a.sql", "select x"), artifact("b.sql", "select x"))
    fixes = [
        Fix("rename_column", "a.sql", {"old": "x", "new": "y"}),
        Fix("rename_column", "a.sql", {"old": "y", "new": "z"}),
        Fix("rename_column", "gone.sql", {"old": "x", "new": "y"}),
        Fix("restore_file", "b.sql"),
    ]
    after = patched(before, fixes)
    assert [a.content for a in after] == ["select z", "select x"]
    assert patched(after, []) == after


def test_an_unknown_fixer_is_a_bug() -> None:
    with pytest.raises(InternalError, match="guess"):
        patched((), [Fix("guess", "a.sql")])


def test_changed_added_and_removed_protected_files_are_refused() -> None:
    before = (artifact("tests/a.sql", "1"), artifact("tests/b.sql", "1"), artifact("m.sql", "1"))
    after = (artifact("tests/a.sql", "2"), artifact("tests/c.sql", "1"), artifact("m.sql", "2"))
    assert refused(before, after, lambda path: path.startswith("tests/")) == (
        "tests/a.sql",
        "tests/b.sql",
        "tests/c.sql",
    )
    assert refused(before, before, lambda _: True) == ()
