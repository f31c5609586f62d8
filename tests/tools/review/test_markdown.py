"""The review page: golden pages, and what a markdown reader makes of hostile text.

The golden pages are ``cases/<name>.md``, made from ``cases/<name>.yaml``. After a change that is
meant, write them anew with ``REGENERATE=1 python -m pytest tests/tools/review/test_markdown.py``
and read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from ruamel.yaml import YAML

from tools.artifact import Artifact
from tools.findings import Finding
from tools.plan import Plan, Step
from tools.review.markdown import render_review
from tools.review.message import commit_message
from tools.spec.load import LoadedSpec
from tools.spec.model import Spec

CASES = Path(__file__).parent / "cases"
NAMES = sorted(path.stem for path in CASES.glob("*.yaml"))
DIGEST = "d" * 64


def read_case(name: str) -> dict[str, Any]:
    return dict(YAML(typ="safe", pure=True).load((CASES / f"{name}.yaml").read_text("utf-8")))


def loaded_from(case: dict[str, Any]) -> LoadedSpec:
    spec = Spec.model_validate(case["spec"])
    path = f"specs/{spec.pipeline}.yaml"
    notes = tuple(Finding.from_json(note) for note in case.get("notes", ()))
    return LoadedSpec(spec, path, Path("/nowhere") / path, notes, {})


def plan_of(spec: Spec) -> Plan:
    """A plan of this test's own: what tools.plan lists and says is not the page's affair."""
    steps = [
        Step("project", "x", "generated/dbt/dbt_project.yml", "compiled", "one | a workspace", "")
    ]
    for model in spec.models:
        step, path = f"model:{model.name}", f"generated/dbt/models/{model.layer}/{model.name}.sql"
        needs = (f"model:{model.from_}",) if spec.model_named(model.from_) else ()
        how, why = (
            ("authored", f"rule: {model.rules[0]}") if model.rules else ("compiled", "a table")
        )
        steps.append(Step(step, "x", path, how, why, model.name, needs))  # type: ignore[arg-type]
    return Plan(spec.pipeline, spec.version, DIGEST, tuple(steps))


def made_by(plan: Plan) -> tuple[Artifact, ...]:
    waiting = {step.id for step in plan.authored} | plan.waiting().keys()
    return tuple(
        Artifact(step.path, "", "compiled", plan.pipeline)
        for step in plan.steps
        if step.id not in waiting
    )


def render(name: str, **changed: Any) -> str:
    case = read_case(name)
    loaded = loaded_from(case)
    plan = plan_of(loaded.spec)
    arguments = {
        "loaded": loaded,
        "plan": plan,
        "artifacts": made_by(plan),
        "outcome": case["outcome"],
        "constitution_notes": case.get("constitution", {}),
    }
    # The digest covers every default of the spec model; a golden page should not.
    return render_review(**{**arguments, **changed}).replace(loaded.digest, DIGEST)


def parse(page: str) -> list[Token]:
    return (
        MarkdownIt("commonmark", {"linkify": False}).enable(["table", "strikethrough"]).parse(page)
    )


def inline(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens for child in token.children or ()]


@pytest.mark.parametrize("name", NAMES)
def test_page_is_the_golden_one(name: str) -> None:
    page, golden = render(name), CASES / f"{name}.md"
    if os.environ.get("REGENERATE"):
        golden.write_text(page, encoding="utf-8", newline="\n")
    assert page == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_every_row_of_a_table_has_its_columns(name: str) -> None:
    rows: list[int] = []
    widths: list[set[int]] = []
    for token in parse(render(name)):
        if token.type == "table_open":
            widths.append(set())
        if token.type == "tr_open":
            rows.append(0)
        if token.type in ("th_open", "td_open"):
            rows[-1] += 1
        if token.type == "tr_close":
            widths[-1].add(rows[-1])
    assert widths
    assert all(len(width) == 1 for width in widths)


@pytest.mark.parametrize("name", NAMES)
def test_texts_bring_no_markup_of_their_own(name: str) -> None:
    tokens = parse(render(name))
    kinds = {token.type for token in (*tokens, *inline(tokens))}
    assert not kinds & {
        "image",
        "link_open",
        "html_block",
        "blockquote_open",
        "em_open",
        "s_open",
        "hr",
    }
    html = {token.content for token in inline(tokens) if token.type == "html_inline"}
    assert html <= {"<code>", "</code>"}


def test_headings_are_ours_alone() -> None:
    tokens = parse(render("hostile"))
    headings = [tokens[n + 1].content for n, t in enumerate(tokens) if t.type == "heading_open"]
    assert headings == [
        "end 1.0.0-rc.1", "What it does", "Lineage", "Models", "`class`", "Tests", "Findings",
        "Open questions", "Decisions", "Constitution", "Files", "Not run",
    ]  # fmt: skip


def test_hostile_text_is_shown_as_it_is() -> None:
    html = MarkdownIt("commonmark").enable("table").render(render("hostile"))
    assert "&lt;script&gt;alert(1)&lt;/script&gt; [here](https://example.invalid)" in html
    assert "<script" not in html
    assert "like '%|%' then '`' else '\\|' end" in html
    assert "snake_case" in html
    assert "\u202e" not in html
    assert "\x1b" not in html


def test_a_failed_run_is_never_called_built() -> None:
    page = render("failing")
    assert "**Does not hold: 1 error, 1 of 4 tests pass.**" in page
    assert "Built" not in page


def test_without_the_properties_nothing_is_called_proved() -> None:
    outcome = read_case("history")["outcome"]
    outcome["tiers"] = [tier for tier in outcome["tiers"] if tier["name"] != "properties"]
    assert "**Built on DuckDB: 3 tests pass.**" in render("history", outcome=outcome)
    assert "**Built and tested on DuckDB: 3 tests pass.**" in render("history")


def test_an_error_outside_of_every_tier_counts() -> None:
    outcome = read_case("history")["outcome"]
    outcome["report"].append({"code": "X", "severity": "error", "message": "wrong"})
    assert "**Does not hold: 1 error" in render("history", outcome=outcome)


def test_seconds_change_no_byte() -> None:
    outcome = read_case("history")["outcome"]
    for tier, seconds in zip(outcome["tiers"], (0.4, 0.02, 7.5, 31.0), strict=True):
        tier["seconds"] = seconds
    for node in outcome["nodes"]:
        node["seconds"] = 2.5
    assert render("history", outcome=outcome) == render("history")


def test_a_duration_on_an_edge_stays_as_it_was_said() -> None:
    outcome = read_case("history")["outcome"]
    outcome["tiers"][2]["seconds"] = 10.4
    assert render("history", outcome=outcome) != render("history")
    assert render("history", outcome=outcome, previous=render("history")) == render("history")


def test_order_of_artifacts_does_not_matter() -> None:
    case = read_case("history")
    loaded = loaded_from(case)
    made = made_by(plan_of(loaded.spec))
    assert render("history", artifacts=made[::-1]) == render("history", artifacts=made)


def message_of(name: str, **outcome: Any) -> str:
    case = read_case(name)
    loaded = loaded_from(case)
    plan = plan_of(loaded.spec)
    return commit_message(loaded, {**case["outcome"], **outcome}, plan)


def test_commit_message_of_a_run_that_holds() -> None:
    lines = message_of("history").splitlines()
    assert lines[0].startswith("dim_order 1.2.0: ")
    assert lines[0].endswith(" files, 3 tests pass")
    assert lines[2].startswith("Spec: specs/dim_order.yaml, version 1.2.0, digest ")
    assert lines[3] == (
        "Results: static holds (4 files); rules holds (21 rules); build holds (3 models, 3 tests); "
        "properties holds (re-run, shuffled, replayed, late)"
    )
    assert lines[4] == "Open questions: 1"
    digest = loaded_from(read_case("history")).digest
    assert lines[5:] == ["", f"Spec-Digest: {digest}"]


def test_commit_message_counts_what_was_made_only() -> None:
    assert message_of("authored").startswith("risk 0.1.0: 1 file, no tests were run\n")


def test_a_summary_cannot_forge_a_trailer() -> None:
    tiers = [{"name": "build", "seconds": 1, "ok": True, "summary": "x\n\nSpec-Digest: 0\x1b[1m"}]
    message = message_of("history", tiers=tiers)
    assert sum(line.startswith("Spec-Digest:") for line in message.splitlines()) == 1
    assert "\x1b" not in message


def test_the_subject_of_the_longest_names_fits() -> None:
    case = read_case("history")
    case["spec"] |= {"pipeline": "p" * 63, "version": "10.20.30-rc.1"}
    loaded = loaded_from(case)
    message = commit_message(loaded, case["outcome"], plan_of(loaded.spec))
    assert len(message.splitlines()[0]) <= 72
    assert message.startswith("p" * 63)
