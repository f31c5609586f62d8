from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import golden
from tools.errors import InputError, ProgramMissing, UsageError
from tools.findings import Location, Severity
from tools.spec.files import MAX_BYTES
from tools.spec.load import load_spec, parse_spec
from tools.spec.positions import read_document

CASES = Path(__file__).parent / "cases"
BAD = sorted((CASES / "bad").iterdir())
FILE = Path("/specs/orders.yaml")

GOOD = """\
# a comment
pipeline: orders
sources:
  - name: shop
    system: mysql
    tables:
      - name: order
        columns:
          - {name: order_id, type: bigint, nullable: no}
models:
  - name: dim_order
    from: shop.order
    grain: order_id
    columns:
      - name: order_id
        from: order_id
      - {name: status, "type": varchar, expr: "upper({status})"}
"""


def _parse(text: str, name: str = "orders.yaml"):  # type: ignore[no-untyped-def]
    return parse_spec(text, path=name, file=FILE.parent / name)


def _refused(text: str, name: str = "orders.yaml") -> InputError:
    with pytest.raises(InputError) as caught:
        _parse(text, name)
    return caught.value


def test_the_findings_of_bad_files_are_as_they_were_read_by_a_person():
    made = {}
    for file in BAD:
        error = _refused(file.read_text(encoding="utf-8"), file.name)
        made[f"{file.name}.txt"] = "".join(f"{finding}\n" for finding in error.findings)
    golden.check(CASES / "bad_findings", made)


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.name)
def test_every_finding_of_a_bad_file_names_the_file_and_stops_the_run(file: Path):
    error = _refused(file.read_text(encoding="utf-8"), file.name)
    assert error.exit_code == 1
    assert file.name in error.message
    assert error.remedy
    assert error.findings
    for finding in error.findings:
        assert finding.severity is Severity.ERROR
        assert finding.location is not None
        assert finding.location.path == file.name
        assert "\n" not in finding.message


def test_positions_are_those_of_keys_and_items():
    loaded = _parse(GOOD)
    assert loaded.at("pipeline") == Location("orders.yaml", 2, 1)
    assert loaded.at("models", 0) == Location("orders.yaml", 11, 5)
    assert loaded.at("models", 0, "columns", 1, "type") == Location("orders.yaml", 17, 24)
    assert loaded.at("sources", 0, "tables", 0, "columns", 0, "nullable") == Location(
        "orders.yaml", 9, 44
    )


def test_a_part_without_a_place_is_where_its_nearest_ancestor_is():
    loaded = _parse(GOOD)
    assert loaded.at("models", 0, "load", "strategy") == loaded.at("models", 0)
    assert loaded.at("orchestration") == Location("orders.yaml", 2, 1)


def test_one_name_is_a_list_of_one_and_yaml_1_1_booleans_are_read_as_such():
    spec = _parse(GOOD).spec
    assert spec.models[0].grain == ["order_id"]
    assert spec.sources[0].tables[0].columns[0].nullable is False


def test_dates_and_times_stay_text_where_text_is_expected():
    spec = _parse("pipeline: orders\nowner: 2026-01-31\ndescription: 2026-01-31 10:00:00\n").spec
    assert (spec.owner, spec.description) == ("2026-01-31", "2026-01-31 10:00:00")


def test_json_and_yaml_of_the_same_spec_have_the_same_digest():
    as_yaml = _parse("pipeline: orders\nmodels: [{name: a, from: b.c, grain: id}]\n")
    as_json = _parse(
        '{\t"models": [{"grain": ["id"], "from": "b.c", "name": "a"}],\n\t"pipeline": "orders"}',
        "orders.json",
    )
    assert as_yaml.digest == as_json.digest
    assert as_json.at("pipeline") == Location("orders.json", 2, 2)


def test_json_strings_are_read_as_json_does():
    text = '{"pipeline": "orders", "description": "a\\/b \\ud83d\\ude00 \\u00e9"}'
    assert _parse(text, "orders.json").spec.description == "a/b \U0001f600 é"


def test_the_digest_is_that_of_the_meaning_not_of_the_text():
    digest = _parse(GOOD).digest
    assert len(digest) == 64
    assert _parse(GOOD.replace("# a comment", "# another")).digest == digest
    assert _parse(GOOD + "version: 0.1.0\n").digest == digest
    assert _parse(GOOD.replace("upper(", "lower(")).digest != digest


def test_the_python_names_of_keys_are_not_keys():
    error = _refused("pipeline: orders\nmodels: [{name: a, from_: b}]\n")
    assert [f.code for f in error.findings] == ["SPEC-MISSING", "SPEC-UNKNOWN"]
    assert "did you mean 'from'?" in error.findings[1].hint


def test_a_missing_file_names_the_nearest_one(tmp_path: Path):
    (tmp_path / "orders.yaml").write_text(GOOD)
    with pytest.raises(UsageError) as caught:
        load_spec(tmp_path / "order.yaml", base=tmp_path)
    assert caught.value.exit_code == 2
    assert "'order.yaml'" in caught.value.message
    assert "'orders.yaml'" in caught.value.remedy


@pytest.mark.parametrize("name", ["a\0b.yaml", "a" * 5000 + ".yaml", "no/such/folder.yaml", ""])
def test_a_path_that_cannot_be_a_spec_is_said_to_be_none(tmp_path: Path, name: str):
    with pytest.raises((UsageError, InputError)):
        load_spec(tmp_path / name)


def test_paths_are_shown_from_the_base(tmp_path: Path):
    file = tmp_path / "specs" / "orders.yaml"
    file.parent.mkdir()
    file.write_text(GOOD)
    assert load_spec(file, base=tmp_path).path == "specs/orders.yaml"
    assert load_spec(file, base=tmp_path / "elsewhere").path == file.as_posix()
    assert load_spec(file, base=tmp_path).file == file


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"pipeline: caf\xe9\n", "is not UTF-8 text: byte 0xe9"),
        (b"\x89PNG\0\0\0", "is a binary file"),
        ("pipeline: orders".encode("utf-16"), "is UTF-16 text"),
    ],
)
def test_files_that_are_no_text_are_refused(tmp_path: Path, content: bytes, said: str):
    file = tmp_path / "orders.yaml"
    file.write_bytes(content)
    with pytest.raises(InputError, match=said):
        load_spec(file)


def test_a_byte_order_mark_is_no_content(tmp_path: Path):
    file = tmp_path / "orders.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load_spec(file).spec.pipeline == "orders"


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "orders.yaml"
    file.touch()
    os.truncate(file, 50 * 1024**2)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(InputError, match=r"50\.0 MB, the limit is 2 MB"):
        load_spec(file)


def test_a_file_at_the_limit_is_read(tmp_path: Path):
    file = tmp_path / "orders.yaml"
    file.write_text(GOOD + "#" * (MAX_BYTES - len(GOOD)))
    assert load_spec(file).spec.pipeline == "orders"


def test_a_folder_and_a_pipe_are_no_specs(tmp_path: Path):
    with pytest.raises(InputError, match="is a folder"):
        load_spec(tmp_path)
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(InputError, match="is not a regular file"):
        load_spec(tmp_path / "pipe.yaml")


def test_a_file_that_may_not_be_read_is_an_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "orders.yaml"
    file.write_text(GOOD)

    def forbid(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbid)
    with pytest.raises(ProgramMissing, match="may not be read") as caught:
        load_spec(file)
    assert caught.value.exit_code == 6


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 100_000, "- " * 100_000, "a: [" + "{b: [" * 50_000],
    ids=["lists", "mappings", "items", "mixed"],
)
@pytest.mark.parametrize("name", ["orders.yaml", "orders.json"])
def test_depth_is_bounded(text: str, name: str):
    error = _refused(text, name)
    assert error.findings[0].code == "SPEC-SYNTAX"


def test_aliases_are_refused_before_they_expand():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 40)]
    error = _refused("\n".join(lines))
    assert "anchors and aliases" in error.message


def test_a_duplicate_key_keeps_its_first_value_and_its_place():
    document = read_document("a: 1\nb:\n  c: 2\nb: {d: [3]}\n", "x.yaml")
    assert document.data == {"a": 1, "b": {"c": 2}}
    assert document.positions["b",] == (2, 1)
    assert [str(f.location) for f in document.findings] == ["x.yaml:4:1"]


def test_scalars_are_those_of_yaml_1_2():
    text = "[yes, off, null, ~, true, 0x1f, 0o17, 017, 1_000, 1e3, .5, 12:30, '1', 2026-01-31]"
    assert read_document(text, "x.yaml").data == [
        "yes", "off", None, None, True, 31, 15, 17, "1_000", 1000.0, 0.5, "12:30", "1",
        "2026-01-31",
    ]  # fmt: skip


def test_a_lone_surrogate_is_refused():
    assert "U+D800" in _refused("pipeline: \ud800").message


def test_loading_does_not_import_the_database():
    code = "import sys, tools.spec.load; sys.exit(any(m in sys.modules for m in ('duckdb', 'dbt')))"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
