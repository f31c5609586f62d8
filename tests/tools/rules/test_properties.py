import pytest

from tools.errors import InputError
from tools.rules.properties import read_properties

TEXT = """version: 2
models:
  - name: a
    description: An a.
    config: {contract: {enforced: true}}
    data_tests:
      - unique_together: {arguments: {columns: [b, c]}, config: {severity: warn, where: d}}
      - name: labelled
        test_name: no_overlap
        arguments: {key: [b]}
        severity: WARN
    columns:
      - name: b
        data_type: bigint
        tests: [not_null, {accepted_values: {values: [1], severity: warn, enabled: false}}]
      - description: no name
  - description: no name
snapshots:
  - name: s
sources: []
"""


def test_reading() -> None:
    first, second = read_properties(TEXT, "models/a.yml")
    assert (first.name, first.contract, first.description, first.line) == ("a", True, "An a.", 3)
    together, overlap = first.tests
    assert (together.name, together.severity, together.line) == ("unique_together", "warn", 7)
    assert together.arguments == {"columns": ["b", "c"]}
    assert together.config == {"severity": "warn", "where": "d"}
    assert (overlap.name, overlap.label, overlap.severity) == ("no_overlap", "labelled", "warn")
    assert overlap.arguments == {"key": ["b"]}
    (column,) = first.columns
    assert first.column("B") is column
    assert column.data_type == "bigint"
    not_null, accepted = column.tests
    assert (not_null.name, not_null.column, not_null.severity, not_null.enabled) == (
        "not_null",
        "b",
        "error",
        True,
    )
    assert (accepted.arguments, accepted.severity, accepted.enabled) == (
        {"values": [1]},
        "warn",
        False,
    )
    assert [t.name for t in first.all_tests()] == [
        "unique_together",
        "no_overlap",
        "not_null",
        "accepted_values",
    ]
    assert (second.name, second.contract) == ("s", False)


@pytest.mark.parametrize(
    "text", ["", "- a\n", "models: x\n", "models: [1, {name: 2}]\n", "version: 2\n"]
)
def test_files_about_something_else(text: str) -> None:
    assert read_properties(text, "models/a.yml") == ()


@pytest.mark.parametrize("text", ["models: [", "a: 1\na: 2\n", "a: &x [1]\nb: *x\n"])
def test_files_that_cannot_be_read(text: str) -> None:
    with pytest.raises(InputError):
        read_properties(text, "models/a.yml")
