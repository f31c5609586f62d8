from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import golden
from tools.errors import InputError
from tools.findings import Severity
from tools.spec.importers.base import DataForm, TextForm, forms
from tools.spec.lint import lint
from tools.spec.load import LoadedSpec, load_spec, parse_spec
from tools.spec.model import Spec
from tools.spec.resolve import resolve

CASES = Path(__file__).parent / "cases" / "forms"
FORMS = sorted(p for p in CASES.rglob("*") if p.suffix in (".yaml", ".json"))
INPUTS = Path(__file__).parents[3] / ".." / "shared" / "inputs"
MEANT = (CASES / "invoice.yaml").read_text(encoding="utf-8")


def _load(text: str, name: str = "pasted.yaml") -> LoadedSpec:
    return parse_spec(text, path=name, file=CASES / name)


def _library(**changes: Any) -> LoadedSpec:
    """The library's spec.json; ``changes`` are made to its models by name."""
    data = json.loads((CASES / "library" / "spec.json").read_text(encoding="utf-8"))
    for model in data["models"]:
        model.update(changes.get(model["name"], {}))
    return parse_spec(json.dumps(data), path="spec.json", file=CASES / "library" / "spec.json")


def _asked(loaded: LoadedSpec, about: str) -> str:
    found = [q for q in loaded.spec.open_questions if q.about == about]
    return " / ".join(f"{q.question} -> {q.assumption}" for q in found)


def test_forms_are_found_in_their_folder():
    found = forms()
    assert {f.name for f in found if isinstance(f, TextForm)} == {"pasted"}
    assert {f.name for f in found if isinstance(f, DataForm)} == {
        "pipeline_spec form",
        "source form",
        "spec.json form",
    }


def test_what_each_form_means_and_says():
    made = {}
    for file in FORMS:
        loaded = load_spec(file, base=CASES)
        said = {"spec": loaded.spec.to_json(), "notes": [str(note) for note in loaded.notes]}
        name = f"{file.relative_to(CASES).as_posix()}.txt"
        made[name] = json.dumps(said, indent=1, ensure_ascii=False) + "\n"
    golden.check(CASES.parent / "forms_read", made)


@pytest.mark.parametrize("file", FORMS, ids=lambda file: file.name)
def test_what_is_read_is_a_canonical_spec_with_places_and_notes(file: Path):
    loaded = load_spec(file, base=CASES)
    assert Spec.model_validate(loaded.spec.to_json()) == loaded.spec
    assert loaded.notes
    for note in loaded.notes:
        assert note.severity is Severity.NOTE
        assert note.code == "SPEC-IMPORT"
        assert note.location is not None
        assert note.location.line > 0
    for path in [("pipeline",), ("sources", 0), ("models", 0), ("models", 0, "from")]:
        assert loaded.at(*path).line > 0
    for index in range(len(loaded.spec.open_questions)):
        assert ("open_questions", index) in loaded.positions


@pytest.mark.parametrize("file", FORMS, ids=lambda file: file.name)
def test_what_is_read_holds_together_once_its_columns_are_assumed(file: Path):
    report = lint(resolve(load_spec(file, base=CASES), []))
    # The library's relationships test names a model of another spec.
    assert [f for f in report.errors if f.code != "SPEC067"] == []


# --- pasted text -------------------------------------------------------------------------------


def _flat(text: str, dash: str = "– ") -> str:
    lines = [line.strip() for line in text.splitlines()]
    return "\n".join(re.sub(r"^- ", dash, line) for line in lines) + "\n"


VARIANTS = {
    "flat": _flat(MEANT, "- "),
    "en dash": _flat(MEANT),
    "em dash": _flat(MEANT, "— "),
    "minus sign": _flat(MEANT, "− "),
    "bullet": _flat(MEANT, "• "),
    "star": _flat(MEANT, "* "),
    "crlf": _flat(MEANT).replace("\n", "\r\n"),
    "carriage returns": _flat(MEANT).replace("\n", "\r"),
    "tab after the dash": _flat(MEANT, "–\t"),
    "no-break blanks": _flat(MEANT).replace(" ", "\u00a0"),
    "zero-width": "\ufeff" + _flat(MEANT).replace("source:", "\u200bsource:"),
    "trailing blanks": _flat(MEANT).replace("\n", "  \u00a0\n"),
    "blank lines and comments": _flat(MEANT).replace("target:", "\n# where to\ntarget:"),
    "curly quotes": _flat(MEANT).replace("invoice\n", "“invoice”\n", 1).replace(
        "bigquery", "‘bigquery’"
    ),
    "tabs": re.sub("^( +)", lambda m: "\t" * (len(m[1]) // 2), MEANT, flags=re.MULTILINE),
    "indented no-break": re.sub("^( +)", lambda m: "\u00a0" * len(m[1]), MEANT, flags=re.MULTILINE),
    "indented en dash": re.sub(r"^( +)- ", r"\1– ", MEANT, flags=re.MULTILINE),
}  # fmt: skip


@pytest.mark.parametrize("text", VARIANTS.values(), ids=VARIANTS.keys())
def test_pasted_text_is_read_as_what_was_meant(text: str):
    loaded = _load(text)
    assert loaded.digest == _load(MEANT).digest
    assert "were read as plain ones" in str(loaded.notes) or "indentation is lost" in str(
        loaded.notes
    )


def test_the_note_on_lost_indentation_shows_what_was_restored():
    note = _load(_flat(MEANT)).notes[0]
    assert "indentation is lost" in note.message
    assert note.evidence == MEANT


def test_places_in_pasted_text_are_those_of_the_text():
    loaded = _load(_flat(MEANT))
    meant = _load(MEANT)
    assert loaded.positions.keys() == meant.positions.keys()
    assert all(loaded.positions[p][0] == meant.positions[p][0] for p in meant.positions)
    assert str(loaded.at("models", 0)) == "pasted.yaml:14:1"
    assert str(loaded.at("models", 0, "load", "strategy")) == "pasted.yaml:9:3"


@pytest.mark.parametrize("file", FORMS, ids=lambda file: file.name)
def test_text_that_is_indented_is_left_alone(file: Path):
    loaded = load_spec(file, base=CASES)
    assert not any("restored" in n.message or "plain ones" in n.message for n in loaded.notes)


def test_one_line_forms_are_not_pasted_text():
    text = "source: {system: hubspot, tables: [contact]}\n"
    assert _load(text).notes[0].message.startswith("read the short form")


def test_partly_lost_indentation_is_refused_not_guessed():
    text = "source:\n  system: hubspot\ntables:\n– contact\n"
    with pytest.raises(InputError) as caught:
        _load(text)
    assert [f.code for f in caught.value.findings] == ["SPEC-MISSING", "SPEC-UNKNOWN"]


_WORD = st.sampled_from(["order", "invoice", "ledger", "shop"])
_ORDER = st.permutations


@st.composite
def _short_forms(draw: st.DrawFn) -> dict[str, Any]:
    """Short forms with any of their keys, in any order."""

    def some(parts: dict[str, Any], required: set[str]) -> dict[str, Any]:
        keys = draw(_ORDER(sorted(parts)))
        return {k: parts[k] for k in keys if k in required or draw(st.booleans())}

    step = some({"load_strategy": "scd2", "cursor": "at", "effective_at": "at"}, {"load_strategy"})
    logic = [step, *draw(st.lists(st.sampled_from(["keep it", "no drafts"]), max_size=2))]
    source = {"system": "mysql", "table": draw(_WORD), "description": "d"}
    target = {"platform": "snowflake", "table": draw(_WORD), "schema": "s"}
    parts = {
        "description": "all of them",
        "owner": "me",
        "source": some(source, {"system", "table"}),
        "transformation": {"logic": draw(_ORDER(logic))},
        "target": some(target, {"platform", "table"}),
        "validation": {"primary_key": draw(_WORD)},
    }
    return {"pipeline_spec": some(parts, {"source", "target", "validation"})}


def _yaml(value: Any, indent: int = 0) -> str:
    """Block YAML of plain data, written by hand so that the test shares nothing with the reader."""
    pad = "  " * indent
    lines = []
    for key, item in value.items():
        if isinstance(item, dict):
            lines.append(f"{pad}{key}:\n{_yaml(item, indent + 1)}")
        elif isinstance(item, list):
            lines.append(f"{pad}{key}:")
            for each in item:
                text = _yaml(each, indent + 2).strip() if isinstance(each, dict) else each
                lines.append(f"{pad}  - {text}")
        else:
            lines.append(f"{pad}{key}: {item}")
    return "\n".join(lines)


@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(_short_forms())
def test_lost_indentation_is_restored_exactly_or_refused(form: dict[str, Any]):
    meant = _yaml(form) + "\n"
    try:
        restored = _load(_flat(meant))
    except InputError as error:
        assert "may belong to" in error.message  # noqa: PT017 - refusing is the other right answer
        return
    assert restored.digest == _load(meant).digest


# --- joins of the spec.json form ---------------------------------------------------------------


def _join(loaded: LoadedSpec, model: str, to: str) -> Any:
    found = loaded.spec.model_named(model)
    assert found is not None
    return next(j for j in found.joins if j.alias == to)


def _column(loaded: LoadedSpec, model: str, name: str) -> Any:
    found = loaded.spec.model_named(model)
    assert found is not None
    return next(c for c in found.columns if c.name == name)


def test_aggregates_over_a_joined_table_are_taken_before_the_join():
    loaded = _library()
    join = _join(loaded, "stg_loans", "copies")
    assert join.aggregate.by == ["loan_id"]
    assert {m.name: m.expr for m in join.aggregate.columns} == {
        "books": "count(copy_id)",
        "weight_sum": "sum(weight)",
        "weight_count": "count(weight)",
    }
    assert join.cardinality == "many_to_one"
    # A count over no rows is 0, also for the loan that the left join finds no copies for.
    assert _column(loaded, "stg_loans", "books").expr == "coalesce(copies.books, 0)"


def test_an_inner_join_needs_no_zero_for_its_counts():
    joins = [
        {"left_table": "loans", "right_table": "copies", "type": "INNER",
         "condition": "loans.loan_id = copies.loan_id"},
    ]  # fmt: skip
    mapping = [
        {"target_column": "loan_id", "from_table": "loans", "from_column": "loan_id"},
        {"target_column": "books", "from_table": "copies", "from_column": "copy_id",
         "transform": "COUNT({from})"},
    ]  # fmt: skip
    loaded = _library(
        stg_loans={
            "sources": ["raw.loans", "raw.copies"], "joins": joins, "column_mapping": mapping,
            "filters": [],
        },
        fact_members={
            "aggregations": [{"metric_column": "loans", "formula": "COUNT(*)"}],
            "sources": ["stg_loans"],
        },
    )  # fmt: skip
    assert _column(loaded, "stg_loans", "books").from_ == "copies.books"


def test_a_description_that_speaks_of_a_choice_makes_a_pick_and_a_question():
    loaded = _library()
    join = _join(loaded, "stg_members", "contacts")
    assert (join.pick.by, join.pick.order_by) == (["owner_id"], ["email", "channel"])
    assert '"Address of the latest contact"' in _asked(loaded, "stg_members.contacts")


def test_a_rate_without_a_date_asks_as_of_when():
    loaded = _library()
    asked = _asked(loaded, "stg_loans.fee_rates")
    assert "the date of the fee rate" in asked
    assert "columns that could give it: lent_at" in asked
    found = loaded.spec.source_table("raw.fee_rates")
    assert found is not None
    assert found[1].primary_key == ["kind"]


def test_a_rate_with_a_date_in_its_join_is_not_asked_about():
    model = json.loads((CASES / "library" / "spec.json").read_text())["models"][1]
    model["joins"][1]["condition"] += " AND loans.lent_at >= fee_rates.valid_from"
    asked = _asked(_library(stg_loans=model), "stg_loans.fee_rates")
    assert "as of which date" not in asked
    assert "one row per kind" in asked


def test_a_lookup_is_taken_to_be_unique_and_said_to_be():
    loaded = _library()
    assert _join(loaded, "stg_loans", "branches").cardinality == "many_to_one"
    assert "one row per branch_id" in _asked(loaded, "stg_loans.branches")


def test_a_model_joined_on_its_own_key_is_no_question():
    loaded = _library()
    assert _join(loaded, "stg_loans", "stg_members").cardinality == "many_to_one"
    assert _asked(loaded, "stg_loans.stg_members") == ""


def test_filters_go_where_their_table_is():
    loaded = _library()
    join = _join(loaded, "stg_members", "contacts")
    assert (join.filter, join.filter_at) == ("email IS NOT NULL", "before_join")
    assert "before the join or after it" in _asked(loaded, "stg_members.contacts")
    assert loaded.spec.models[0].where == "members.level > 0"
    assert _join(loaded, "stg_loans", "branches").filter == "open"
    assert "filter" not in _asked(loaded, "stg_loans.branches")


def test_a_second_source_of_a_grouped_model_meets_it_after_the_grouping():
    loaded = _library()
    join = _join(loaded, "fact_members", "stg_visits")
    assert (join.after_group_by, join.cardinality) == (True, "one_to_one")
    assert join.on == "stg_loans.member_id = stg_visits.member_id"
    model = loaded.spec.model_named("fact_members")
    assert model is not None
    assert [m.name for m in model.aggregations] == ["loans", "fees"]
    assert _column(loaded, "fact_members", "visits").from_ == "stg_visits.visits"
    assert "NULL" in _asked(loaded, "fact_members.stg_visits")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"group_by": ["loan_id"]}, "the source stg_visits is not joined to stg_loans"),
        (
            {"aggregations": [{"metric_column": "x", "formula": "SUM(fee * visits)"}]},
            "columns of stg_loans and stg_visits, which meet after the grouping",
        ),
        (
            {"aggregations": [{"metric_column": "x", "formula": "MAX(member_id)"}]},
            "member_id is a column of stg_loans and stg_visits",
        ),
        (
            {"aggregations": [{"metric_column": "x", "formula": "STDDEV(visits)"}]},
            "has no plain form",
        ),
    ],
)
def test_what_cannot_be_told_is_refused(change: dict[str, Any], said: str):
    with pytest.raises(InputError) as caught:
        _library(fact_members=change)
    assert any(said in f.message for f in caught.value.findings)
    assert all(f.location and f.location.line for f in caught.value.findings)


def test_an_accepted_values_placeholder_takes_what_the_expression_can_return():
    loaded = _library()
    test = _column(loaded, "stg_members", "tier").tests[0]
    assert test.accepted_values == ["basic", "plus", "other"]
    assert "accepted_values(...)" in _asked(loaded, "stg_members.tier")


def test_an_accepted_values_placeholder_without_an_answer_tests_nothing():
    mapping = [
        {"target_column": "tier", "from_table": "members", "tests": ["accepted_values(...)"]}
    ]
    rest = {"sources": ["raw.members"], "joins": [], "filters": [], "constraints": {}}
    loaded = _library(stg_members={"column_mapping": mapping, **rest})
    assert _column(loaded, "stg_members", "tier").tests == []
    assert "none is tested" in _asked(loaded, "stg_members.tier")


def test_history_is_asked_about_where_no_column_gives_its_time():
    loaded = _library()
    load = loaded.spec.models[3].load
    assert (load.strategy, load.key, load.effective_at) == ("scd2", ["member_id"], None)
    assert (load.valid_from, load.valid_to, load.is_current) == ("since", "until", "is_now")
    assert "joined_on" in _asked(loaded, "dim_members.effective_at")
    assert "every column but the key" in _asked(loaded, "dim_members.track")


def test_history_whose_time_is_a_column_is_not_asked_about():
    rules = {"scd_type": 2, "natural_key": "member_id", "effective_at": "joined_on"}
    loaded = _library(dim_members={"constraints": rules})
    assert loaded.spec.models[3].load.effective_at == "joined_on"
    assert _asked(loaded, "dim_members.effective_at") == ""


def test_the_pipeline_is_named_after_the_folder_when_the_file_says_nothing():
    text = (CASES / "library" / "spec.json").read_text(encoding="utf-8")
    named = {
        "/x/Town Library/spec.json": "town_library",
        "/x/library/loans.json": "loans",
        "/x/2024/pipeline.json": "_2024",
    }
    for path, name in named.items():
        assert parse_spec(text, path=path, file=Path(path)).spec.pipeline == name


# --- the inputs that started the project -------------------------------------------------------


@pytest.mark.skipif(not INPUTS.is_dir(), reason="the shared inputs are not beside the repository")
class TestSharedInputs:
    @pytest.mark.parametrize("name", ["pipeline_spec", "salesforce"])
    def test_pasted_is_as_meant(self, name: str):
        pasted = load_spec(INPUTS / "article" / f"{name}.pasted.yaml")
        assert pasted.digest == load_spec(INPUTS / "article" / f"{name}.yaml").digest

    def test_customer360(self):
        loaded = resolve(load_spec(INPUTS / "customer360" / "spec.json"), [])
        assert loaded.spec.pipeline == "customer360"
        assert "best address" in _asked(loaded, "stg_customers.crm_addresses")
        assert "the date of the fx rate" in _asked(loaded, "stg_orders.fx_rates")
        assert lint(loaded).errors == ()
