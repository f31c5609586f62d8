import datetime as dt
from pathlib import Path

import pytest

from tools.artifact import Artifact
from tools.findings import Finding, Severity
from tools.rules.article import Constitution
from tools.rules.engine import Subject, evaluate
from tools.rules.load import parse_constitution
from tools.rules.waivers import unused_waivers
from tools.spec.load import parse_spec

ARTICLE = """## A1 Test {#A1}

```rule
id: A1.R1
level: MUST
on: model
expr: model.description != ""
message: no description
hint: write one
```

```pass
model: {description: x}
```

```fail
model: {description: ""}
```

```rule
id: A1.R2
level: MUST
on: sql
check: no_select_star
```

```pass
select a from {{ ref('b') }}
```

```fail
select * from {{ ref('b') }}
```
"""
SPEC = "pipeline: p\nmodels: [{name: a, from: s.t}, {name: b, from: s.t}]\n"
STAR = Artifact("generated/dbt/models/marts/a.sql", "select * from {{ ref('b') }}", "compiled", "p")


def constitution(*waivers: tuple[str, str, str]) -> Constitution:
    lines = [
        f"- {{rule: {rule}, path: '{path}', reason: a reason, owner: team, expires: {day}}}"
        for rule, path, day in waivers
    ]
    return parse_constitution({"c/a.md": ARTICLE, "c/waivers.yaml": "\n".join(lines)})


def run(today: str, *waivers: tuple[str, str, str]) -> list[Finding]:
    loaded = parse_spec(SPEC, path="specs/p.yaml", file=Path("/w/specs/p.yaml"))
    subject = Subject(loaded, None, (STAR,), today=dt.date.fromisoformat(today))
    return list(evaluate(constitution(*waivers), subject))


def said(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(f.code, str(f.severity), f.subject) for f in findings]


@pytest.mark.parametrize("today", ["2026-01-30", "2026-01-31"])
def test_a_waived_finding_is_a_note_that_names_the_waiver(today: str) -> None:
    found = run(today, ("A1.R1", "a", "2026-01-31"))
    assert said(found) == [
        ("A1.R2", "error", "a"),
        ("A1.R1", "error", "b"),
        ("A1.R1", "note", "a"),
    ]
    note = found[-1]
    assert note.message == "no description (waived until 2026-01-31 by team: a reason)"
    assert note.fix is None


def test_after_its_last_day_the_rule_counts_again_and_the_waiver_is_an_error() -> None:
    found = run("2026-02-01", ("A1.R1", "a", "2026-01-31"))
    assert said(found) == [
        ("CON020", "error", "a"),
        ("A1.R2", "error", "a"),
        ("A1.R1", "error", "a"),
        ("A1.R1", "error", "b"),
    ]
    assert found[0].message == "the waiver of A1.R1 for a expired on 2026-01-31"
    assert str(found[0].location) == "c/waivers.yaml:1:3"


def test_without_a_day_every_waiver_has_expired() -> None:
    loaded = parse_spec(SPEC, path="specs/p.yaml", file=Path("/w/specs/p.yaml"))
    found = evaluate(constitution(("A1.R1", "a", "2999-12-31")), Subject(loaded, None, ()))
    assert ("A1.R1", "error", "a") in said(list(found))


def test_a_valid_waiver_beside_an_expired_one_counts() -> None:
    found = run("2026-02-01", ("A1.R1", "a", "2026-01-31"), ("A1.R1", "a", "2026-03-01"))
    assert ("A1.R1", "note", "a") in said(found)
    assert not any(f.code == "CON020" and f.severity is Severity.ERROR for f in found)


@pytest.mark.parametrize(
    "path", ["generated/dbt/models/marts/a.sql", "generated/*", "a", "*/marts/*"]
)
def test_the_path_is_a_glob_over_file_and_subject(path: str) -> None:
    found = run("2026-01-01", ("A1.R2", path, "2026-01-31"))
    assert ("A1.R2", "note", "a") in said(found)


def test_the_rule_has_to_be_the_same() -> None:
    found = run("2026-01-01", ("A1.R2", "b", "2026-01-31"))
    assert ("A1.R1", "error", "b") in said(found)


def test_a_waiver_that_nothing_needs_is_a_note() -> None:
    found = run("2026-01-01", ("A1.R2", "b", "2026-01-31"))
    assert ("CON020", "note", "b") in said(found)
    assert found[-1].message == "the waiver of A1.R2 for b matches nothing"


def test_a_waiver_for_another_pipeline_is_not_judged_here() -> None:
    waiver = ("A1.R1", "dim_elsewhere", "2026-01-31")
    assert not any(f.code == "CON020" for f in run("2026-01-01", waiver))
    (found,) = unused_waivers(constitution(waiver), run("2026-01-01", waiver))
    assert found.severity is Severity.NOTE
