from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.findings import Finding, Severity
from tools.verify.replies import DbtRun
from tools.verify.results import Project, clean, excerpt, findings_of, node_results, rows_table
from tools.verify.worker import DbtWorker

MODEL: dict[str, Any] = {
    "name": "m",
    "resource_type": "model",
    "original_file_path": "models/m.sql",
    "attached_node": None,
    "column_name": None,
    "model": None,
    "test_metadata": None,
    "depends_on": {"nodes": []},
}
TEST = {
    **MODEL,
    "name": "holds_m_a",
    "resource_type": "test",
    "original_file_path": "models/m.yml",
    "attached_node": "model.p.m",
    "column_name": "a",
    "test_metadata": {"name": "holds"},
}


def entry(unique_id: str, status: str, message: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "unique_id": unique_id, "status": status, "message": message, "failures": None,
        "execution_time": 0.1234, "compiled_code": None, **more,
    }  # fmt: skip


def run_of(*entries: dict[str, Any], node: dict[str, Any] = MODEL, **more: Any) -> DbtRun:
    return DbtRun(False, results=entries, nodes={e["unique_id"]: node for e in entries}, **more)


def test_a_model_error_names_the_line_of_the_model_and_shows_the_compiled_sql(
    tmp_path: Path,
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.sql").write_text(
        "{{ config(materialized='table') }}\nselect\n    id,\n    nope\nfrom {{ ref('x') }}\n"
    )
    compiled = "\nselect\n    id,\n    nope\nfrom x"
    message = (
        "Runtime Error in model m (models/m.sql)\n"
        '  Binder Error: Referenced column "nope" not found in FROM clause!\n'
        '  Candidate bindings: "id"'
    )
    told = f"{message}\n\nLINE 4:     nope\n            ^"
    run = run_of(entry("model.p.m", "error", message, compiled_code=compiled, explained=told))
    (finding,) = findings_of(run, Project(tmp_path, "generated/dbt"))
    assert finding.message == (
        'm does not build: Binder Error: Referenced column "nope" not found in FROM clause!'
    )
    assert str(finding.location) == "generated/dbt/models/m.sql:4"
    assert ">    4 |     nope" in finding.evidence
    assert 'Candidate bindings: "id"' in finding.evidence


def test_a_line_counted_in_a_wrapper_is_found_by_its_text(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.sql").write_text("select 1 as a,\n    nope\n")
    run = run_of(
        entry(
            "model.p.m", "error", "Runtime Error\n  x", compiled_code="select 1 as a,\n    nope",
            explained="Binder Error: x\n\nLINE 9:     nope",
        )
    )  # fmt: skip
    (finding,) = findings_of(run, Project(tmp_path, ""))
    assert str(finding.location) == "models/m.sql:2"


PROPERTIES = """version: 2
models:
  - name: other
    columns:
      - name: a
        data_tests: [holds]
  - name: m
    columns:
      - name: b
      - name: a
        data_tests:
          - not_null
          - holds:
              arguments: {expression: a > 0}
"""


def test_a_failing_test_shows_rows_and_where_it_is_declared(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.yml").write_text(PROPERTIES)
    failed = entry(
        "test.p.t", "fail", "Got 7 results, configured to fail if != 0", failures=7,
        compiled_code="select 1",
        sample={"columns": ["a", "mail"], "rows": [[-1, "x@y"], [None, None]]},
    )  # fmt: skip
    project = Project(tmp_path, "dbt", personal={"mail"})
    (finding,) = findings_of(run_of(failed, node=TEST), project)
    assert (finding.code, finding.severity) == ("DBT003", Severity.ERROR)
    assert finding.message == "test holds of m.a fails with 7 rows"
    assert str(finding.location) == "dbt/models/m.yml:13"
    assert finding.evidence == "a    | mail\n-1   | ***\nNULL | NULL"


def test_a_test_on_made_up_rows_says_so_and_does_not_stop(tmp_path: Path) -> None:
    failed = entry("test.p.t", "fail", "Got 1 result", failures=1)
    project = Project(tmp_path, "dbt", made_up=True)
    (finding,) = findings_of(run_of(failed, node=TEST), project)
    assert finding.severity is Severity.WARNING
    assert "made up" in finding.message
    keyed = {**TEST, "test_metadata": {"name": "unique"}}
    (finding,) = findings_of(run_of(failed, node=keyed), project)
    assert finding.severity is Severity.ERROR


def test_a_test_that_only_warns(tmp_path: Path) -> None:
    warned = entry("test.p.t", "warn", "Got 1 result", failures=1)
    (finding,) = findings_of(run_of(warned, node=TEST), Project(tmp_path, "dbt"))
    assert finding.severity is Severity.WARNING


def test_what_was_skipped_is_one_note(tmp_path: Path) -> None:
    entries = [entry(f"model.p.m{n}", "skipped") for n in range(9)]
    (finding,) = findings_of(run_of(*entries), Project(tmp_path, "dbt"))
    assert finding.severity is Severity.NOTE
    assert finding.message.startswith("9 nodes were skipped")


def test_nodes_are_told_plainly() -> None:
    run = run_of(entry("model.p.m", "success", "OK"), entry("x", "error", "\x1b[31mno\x1b[0m"))
    first, second = node_results(run)
    assert (first.name, first.kind, first.status, first.message) == ("m", "model", "success", "")
    assert first.seconds == 0.123
    assert second.message == "no"
    (tested,) = node_results(run_of(entry("test.p.t", "pass"), node=TEST))
    assert (tested.kind, tested.model) == ("test", "m")


@pytest.mark.parametrize(
    ("message", "cleaned"),
    [
        (None, ""),
        ("  Runtime Error in model m (models/m.sql)\n  Binder Error: x\n  y", "Binder Error: x\ny"),
        ("\x1b[31mDatabase Error\x1b[0m\n  z\n  compiled code at target/x.sql", "z"),
    ],
)
def test_dbt_decoration_is_taken_off(message: str | None, cleaned: str) -> None:
    assert clean(message) == cleaned


def test_an_excerpt_at_the_edges() -> None:
    assert excerpt("a\nb", 1) == ">    1 | a\n     2 | b"
    assert excerpt("", 1) == ""


def test_wide_values_and_line_breaks_stay_on_their_row() -> None:
    table = rows_table(["a"], [["x\ny"], ["z" * 80]])
    assert "x\\ny" in table
    assert table.splitlines()[2].endswith("...")


# -- the real program -------------------------------------------------------------------------


def found(worker: DbtWorker, project: Path, database: Path, *args: str) -> list[Finding]:
    run = worker.dbt(args or ["build"], project=project, database=database)
    assert not run.success
    return findings_of(run, Project(project, "dbt"))


@pytest.mark.slow
def test_every_kind_of_failure_of_a_real_build(
    worker: DbtWorker, project: Path, database: Path
) -> None:
    (project / "models" / "second.sql").write_text(
        "{{ config(materialized='table') }}\nwith f as (\n    select id from {{ ref('first') }}\n)"
        "\n\nselect\n    id,\n    nope\nfrom f\n"
    )
    (project / "models" / "fine.sql").write_text("select 1 as id union all select 2\n")
    (project / "models" / "fine.yml").write_text(
        "version: 2\nmodels:\n  - name: fine\n    columns:\n      - name: id\n"
        "        data_tests:\n"
        "          - accepted_values: {arguments: {values: [1], quote: false}}\n"
        "unit_tests:\n  - name: example\n    model: added\n    given: [{input: ref('first'), rows: "
        "[{id: 1}]}]\n    expect: {rows: [{total: 2}]}\n"
    )
    (project / "models" / "added.sql").write_text(
        "select sum(id) as total from {{ ref('first') }}\n"
    )
    by_subject = {f.subject: f for f in found(worker, project, database)}
    wrong = by_subject["second"]
    assert str(wrong.location) == "dbt/models/second.sql:8"
    assert "nope" in wrong.evidence
    tested = by_subject["fine.id"]
    assert tested.message == "test accepted_values of fine.id fails with 1 row"
    assert str(tested.location) == "dbt/models/fine.yml:7"
    assert tested.evidence.splitlines()[1].startswith("2")
    example = by_subject["added"]
    assert example.message == "example example of added does not give what it expects"
    assert "total" in example.evidence


@pytest.mark.slow
def test_an_error_that_depends_on_rows(worker: DbtWorker, project: Path, database: Path) -> None:
    (project / "models" / "second.sql").write_text(
        "{{ config(materialized='table') }}\nselect\n    cast('x' || id as integer) as id, batch\n"
        "from {{ ref('first') }}\n"
    )
    (finding,) = found(worker, project, database)
    assert "Could not convert string 'x1'" in finding.message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "where", "part"),
    [
        (("bad.sql", "select 1\n\n{% if %}\n"), "dbt/models/bad.sql:3", "Expected an expression"),
        (("bad.sql", "select 1\nfrom {{ ref('zzz') }}\n"), "dbt/models/bad.sql", "named 'zzz'"),
        (("bad.yml", "version: 2\nmodels:\n  - name: a\n   x: y\n"), "dbt/models/bad.yml:4", ""),
    ],
)
def test_a_project_that_dbt_cannot_read(
    worker: DbtWorker, project: Path, file: tuple[str, str], where: str, part: str
) -> None:
    (project / "models" / file[0]).write_text(file[1])
    first = found(worker, project, project.parent / "tiny.duckdb")[0]
    assert first.code == "DBT005"
    assert str(first.location) == where
    assert part in first.message + first.evidence


@pytest.mark.slow
def test_properties_of_a_model_that_is_not_there(
    worker: DbtWorker, project: Path, database: Path
) -> None:
    (project / "models" / "x.yml").write_text("version: 2\nmodels: [{name: ghost}]\n")
    run = worker.dbt(["build"], project=project, database=database)
    (finding,) = findings_of(run, Project(project, "dbt"))
    assert (finding.code, finding.severity) == ("DBT006", Severity.WARNING)
    assert "ghost" in finding.message
    assert str(finding.location) == "dbt/models/x.yml"
