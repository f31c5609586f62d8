from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from tools.errors import InputError
from tools.spec.load import LoadedSpec, load_spec
from tools.spec.resolve import data_file, resolve
from tools.spec.source import SourceTable

SHORT = """\
pipeline_spec:
  source: {system: mysql, table: order}
  transformation: {logic: [{load_strategy: scd2}]}
  target: {platform: snowflake, table: dim_order}
  validation: {primary_key: order_id}
"""
DDL = """\
create table shop.`order` (
  order_id bigint unsigned not null primary key,
  status varchar(20),
  updated_at datetime
);
"""
CSV = "order_id,status,updated_at\n1,new,2026-01-01 10:00:00\n2,,2026-01-02 10:00:00\n"


def _write(folder: Path, name: str, content: str | bytes) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def _resolved(folder: Path, text: str = SHORT, *roots: Path) -> LoadedSpec:
    return resolve(load_spec(_write(folder, "specs/order.yaml", text), base=folder), roots)


def _table(loaded: LoadedSpec) -> SourceTable:
    return loaded.spec.sources[0].tables[0]


def _columns(loaded: LoadedSpec) -> dict[str, tuple[str, bool]]:
    return {c.name: (c.type, c.nullable) for c in _table(loaded).columns}


def _questions(loaded: LoadedSpec) -> list[str]:
    return [f"{q.about}: {q.question} -> {q.assumption}" for q in loaded.spec.open_questions]


def _refused(folder: Path, text: str = SHORT) -> str:
    with pytest.raises(InputError) as caught:
        _resolved(folder, text)
    assert caught.value.findings
    assert str(folder) not in str(caught.value.findings)
    return "\n".join(str(f) for f in caught.value.findings)


def test_nothing_but_the_spec_gives_the_key_and_a_load_timestamp(tmp_path: Path):
    loaded = _resolved(tmp_path)
    assert _columns(loaded) == {"order_id": ("varchar", False), "_loaded_at": ("timestamp", False)}
    assert _table(loaded).primary_key == ["order_id"]
    assert _table(loaded).loaded_at == "_loaded_at"
    assert loaded.spec.models[0].load.effective_at == "_loaded_at"
    assert _questions(loaded) == [
        (
            "mysql.order: which columns does mysql.order have? None are declared, in DDL or in data"
            " -> order_id varchar, _loaded_at timestamp; key order_id"
        ),
        (
            "dim_order.effective_at: when does a change of mysql.order take effect? no column is "
            "known to say so -> when it is loaded (_loaded_at)"
        ),
        (
            "mysql.order: is a row that is gone from order deleted? Its deletes are not declared"
            " -> a row that disappears from the extract is not treated as deleted"
        ),
    ]


def test_every_question_has_a_place_and_every_reading_a_note(tmp_path: Path):
    loaded = _resolved(tmp_path)
    for index in range(3):
        assert str(loaded.at("open_questions", index)) == "specs/order.yaml:2:27"
    assert [n.message for n in loaded.notes if n.code == "SPEC-RESOLVE"] == [
        "columns of mysql.order are assumed: order_id varchar, _loaded_at timestamp",
        "dim_order: changes take effect at the load timestamp _loaded_at",
    ]


@pytest.mark.parametrize("name", ["specs/ddl/order.sql", "specs/source_ddl/order.sql"])
def test_ddl_beside_the_spec_is_read_in_the_dialect_of_the_system(tmp_path: Path, name: str):
    _write(tmp_path, name, DDL)
    loaded = _resolved(tmp_path)
    assert _columns(loaded) == {
        "order_id": ("ubigint", False),
        "status": ("varchar(20)", True),
        "updated_at": ("timestamp", True),
        "_loaded_at": ("timestamp", False),
    }
    assert _table(loaded).primary_key == ["order_id"]
    asked = _questions(loaded)
    assert "candidates: updated_at" in asked[0]
    assert "is the DDL in" in asked[-1]


def test_ddl_goes_before_data_and_the_spec_folder_before_the_roots(tmp_path: Path):
    _write(tmp_path, "specs/data/order.csv", CSV)
    _write(tmp_path, "root/ddl/order.sql", "create table `order` (id int)")
    assert "id" in _columns(_resolved(tmp_path, SHORT, tmp_path / "root"))
    _write(tmp_path, "specs/ddl/order.sql", DDL)
    assert "status" in _columns(_resolved(tmp_path, SHORT, tmp_path / "root"))


def test_a_data_file_gives_names_and_types(tmp_path: Path):
    _write(tmp_path, "specs/data/order.csv", CSV)
    loaded = _resolved(tmp_path)
    assert _columns(loaded) == {
        "order_id": ("bigint", False),
        "status": ("varchar", True),
        "updated_at": ("timestamp", True),
        "_loaded_at": ("timestamp", False),
    }
    assert "columns of order were read off data/order.csv" in _questions(loaded)[0]
    assert "candidates: updated_at" in _questions(loaded)[1]


def test_json_and_parquet_are_data_too(tmp_path: Path):
    _write(tmp_path, "a/specs/data/order.json", '[{"order_id": 1, "status": "new"}]')
    assert _columns(_resolved(tmp_path / "a"))["order_id"] == ("bigint", False)
    (tmp_path / "b/specs/data").mkdir(parents=True)
    parquet = tmp_path / "b/specs/data/order.parquet"
    duckdb.sql("select 1::smallint as order_id, true as open").write_parquet(str(parquet))
    columns = _columns(_resolved(tmp_path / "b"))
    assert (columns["order_id"], columns["open"]) == (("smallint", False), ("boolean", True))


def test_types_are_those_of_the_specs_dialect(tmp_path: Path):
    text = (
        "pipeline: x\ndialect: bigquery\nsources: [{name: s, system: files, tables: [{name: t}]}]\n"
    )
    _write(tmp_path, "specs/data/t.csv", "a,b\n1,x\n")
    columns = _columns(_resolved(tmp_path, text))
    assert {name: kind for name, (kind, _) in columns.items()} == {"a": "int64", "b": "string"}


def test_a_load_timestamp_that_is_there_is_used(tmp_path: Path):
    _write(tmp_path, "specs/data/order.csv", "order_id,_fivetran_synced\n1,2026-01-01 10:00:00\n")
    loaded = _resolved(tmp_path)
    assert list(_columns(loaded)) == ["order_id", "_fivetran_synced"]
    assert _table(loaded).loaded_at == "_fivetran_synced"
    assert loaded.spec.models[0].load.effective_at == "_fivetran_synced"


def test_same_inputs_same_digest_and_another_column_another_one(tmp_path: Path):
    _write(tmp_path, "specs/data/order.csv", CSV)
    digest = _resolved(tmp_path).digest
    assert _resolved(tmp_path).digest == digest
    _write(tmp_path / "moved", "specs/data/order.csv", CSV + "3,done,2026-01-03 10:00:00\n")
    assert _resolved(tmp_path / "moved").digest == digest
    _write(tmp_path, "specs/data/order.csv", CSV.replace("status", "state"))
    assert _resolved(tmp_path).digest != digest


def test_resolving_twice_changes_nothing(tmp_path: Path):
    once = _resolved(tmp_path)
    assert resolve(once, []).spec == once.spec


def test_declared_columns_are_left_alone(tmp_path: Path):
    text = (
        "pipeline: x\nsources: [{name: s, system: mysql, tables: "
        "[{name: order, columns: [{name: id, type: bigint}]}]}]\n"
        "models: [{name: dim_order, from: s.order, load: {strategy: scd2, key: id}}]\n"
    )
    _write(tmp_path, "specs/data/order.csv", CSV)
    _write(tmp_path, "specs/ddl/order.sql", DDL)
    loaded = load_spec(_write(tmp_path, "specs/x.yaml", text))
    assert resolve(loaded, []).spec == loaded.spec


def test_the_conventions_of_a_system_are_an_assumption_too(tmp_path: Path):
    loaded = _resolved(tmp_path, "source: {system: salesforce, tables: [account]}\n")
    assert list(_columns(loaded)) == [
        "Id", "CreatedDate", "LastModifiedDate", "SystemModstamp", "_loaded_at",
    ]  # fmt: skip
    assert (_table(loaded).primary_key, _table(loaded).cursor) == (["Id"], "SystemModstamp")
    assert loaded.spec.models[0].grain == ["Id"]
    assert len(loaded.spec.open_questions) == 1


def test_what_models_name_is_assumed_with_the_types_that_they_give(tmp_path: Path):
    text = """\
pipeline: x
sources: [{name: s, system: mysql, tables: [{name: orders}, {name: items}, {name: rates}]}]
models:
  - name: stg_orders
    layer: staging
    from: s.orders
    grain: [id]
    columns:
      - {name: id, type: integer, from: order_no}
      - {name: total, type: "decimal(10, 2)", from: amount, expr: "{from} * rates.rate"}
      - {name: state, expr: "upper({status})"}
      - {name: pieces, from: items.pieces}
    joins:
      - to: s.items
        on: orders.order_no = items.order_ref
        cardinality: many_to_one
        aggregate: {by: [order_ref], columns: [{name: pieces, expr: sum(quantity)}]}
      - {to: s.rates, on: orders.currency = rates.code, filter: "active <> 'n'"}
    where: orders.flag = 1
"""
    tables = {t.name: t for t in _resolved(tmp_path, text).spec.sources[0].tables}
    shown = {name: {c.name: c.type for c in t.columns} for name, t in tables.items()}
    assert shown == {
        "orders": {
            "order_no": "integer", "amount": "decimal(38, 9)", "status": "varchar",
            "flag": "decimal(38, 9)", "currency": "varchar", "_loaded_at": "timestamp",
        },
        "items": {"order_ref": "integer", "quantity": "decimal(38, 9)", "_loaded_at": "timestamp"},
        "rates": {
            "rate": "decimal(38, 9)", "code": "varchar", "active": "varchar",
            "_loaded_at": "timestamp",
        },
    }  # fmt: skip
    assert tables["orders"].primary_key == ["order_no"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("data/order.csv", "", "data/order.csv: error SPEC-FILE is empty"),
        ("data/order.csv", "\n\n", "is empty"),
        ("data/order.csv", "1,new,2026-01-01\n2,old,2026-01-01\n", "has no header: '1'"),
        ("data/order.csv", "order_id,,status\n1,2,3\n", "has no header: an empty cell"),
        ("data/order.csv", "order_id,status,status\n1,2,3\n", "names the column 'status' twice"),
        ("data/order.csv", "order_id,Status,status\n1,2,3\n", "'status' twice (case aside)"),
        ("data/order.csv", b"order_id,\xff\n1,2\n", "is not UTF-8 text"),
        ("data/order.csv", "order_id,a;b\n1,2\n", "cannot be the name of a column"),
        ("data/order.json", "{not json", "cannot be read as data"),
        ("data/order.parquet", b"no parquet at all", "cannot be read as data"),
        ("ddl/order.sql", "", "ddl/order.sql"),
        ("ddl/order.sql", "select 1", "creates no table"),
        ("ddl/order.sql", "create table orders (id int)", "creates orders, not order"),
        ("ddl/order.sql", "create table `order` (id int", "as DDL does not parse"),
        ("ddl/order.sql", b"\0\0", "is a binary file"),
    ],
)
def test_source_files_that_do_not_say_are_findings(
    tmp_path: Path, name: str, content: str | bytes, said: str
):
    _write(tmp_path / "specs", name, content)
    assert said in _refused(tmp_path)


def test_all_wrong_source_files_are_named(tmp_path: Path):
    text = "source: {system: hubspot, tables: [contact, deal, company]}\n"
    _write(tmp_path / "specs", "data/contact.csv", "")
    _write(tmp_path / "specs", "data/deal.csv", "1,2\n")
    said = _refused(tmp_path, text)
    assert "data/contact.csv" in said
    assert "data/deal.csv" in said
    assert "company" not in said


def test_a_declared_data_file_that_is_not_there_is_a_finding_with_its_place(tmp_path: Path):
    text = (
        "pipeline: x\nsources:\n  - name: s\n    system: mysql\n    tables:\n"
        "      - {name: order, columns: [{name: id, type: bigint}], data: nowhere.csv}\n"
    )
    assert "specs/order.yaml:6:60: error SPEC-FILE no data file 'nowhere.csv'" in _refused(
        tmp_path, text
    )


def test_where_data_files_are_looked_for(tmp_path: Path):
    loaded = load_spec(_write(tmp_path, "specs/order.yaml", SHORT))
    source, table = loaded.spec.sources[0], loaded.spec.sources[0].tables[0]
    roots = [tmp_path / "one", tmp_path / "two"]
    assert data_file(loaded, source, table, roots) is None
    second = _write(tmp_path, "two/data/order.csv", CSV)
    assert data_file(loaded, source, table, roots) == second
    first = _write(tmp_path, "one/data/order.parquet", b"")
    assert data_file(loaded, source, table, roots) == first
    beside = _write(tmp_path, "specs/data/order.json", "[]")
    assert data_file(loaded, source, table, roots) == beside
    named = table.model_copy(update={"data": "data/order.csv"})
    assert data_file(loaded, source, named, roots) == second


def test_a_table_name_that_no_file_can_have_is_no_error(tmp_path: Path):
    loaded = load_spec(_write(tmp_path, "specs/order.yaml", SHORT))
    table = SourceTable(name="x" * 127 + "")
    odd = table.model_copy(update={"data": "a\0b", "name": "y" * 4000})
    assert data_file(loaded, loaded.spec.sources[0], odd, []) is None


def test_a_folder_is_no_data_file(tmp_path: Path):
    os.makedirs(tmp_path / "specs/data/order.csv")  # noqa: PTH103
    assert "order_id" in _columns(_resolved(tmp_path))


def test_an_unknown_dialect_is_said_before_types_are_looked_up_in_it(tmp_path: Path):
    text = (
        "pipeline: x\ndialect: duckbd\nsources: [{name: s, system: files, tables: [{name: t}]}]\n"
    )
    said = _refused(tmp_path, text)
    assert "specs/order.yaml:2:1: error SPEC-VALUE unknown SQL dialect 'duckbd'" in said
    assert "did you mean 'duckdb'?" in said


def test_a_type_that_is_none_is_not_taken_over(tmp_path: Path):
    text = (
        "pipeline: x\nsources: [{name: s, system: files, tables: [{name: t}]}]\n"
        "models: [{name: m, from: s.t, columns: [{name: a, type: 'bigint\"'}]}]\n"
    )
    assert _columns(_resolved(tmp_path, text))["a"] == ("varchar", True)
