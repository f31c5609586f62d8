from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tools.findings import Severity
from tools.rules.article import Constitution
from tools.rules.breach import Breach
from tools.rules.load import load_constitution, parse_constitution
from tools.rules.registry import registered
from tools.rules.selftest import self_test
from tools.workspace import shipped

RULE = """## A1 Test {#A1}

```rule
id: A1.R1
level: SHOULD
on: model
expr: model.name.startsWith("dim_")
message: not a dimension
```
"""


def constitution(*examples: str) -> Constitution:
    return parse_constitution({"c/a.md": RULE + "\n".join(examples)})


def block(kind: str, text: str) -> str:
    return f"\n```{kind}\n{text}\n```\n"


def test_examples_that_show_what_they_should() -> None:
    found = self_test(
        constitution(block("pass", "model: {name: dim_a}"), block("fail", "model: {name: a}"))
    )
    assert list(found) == []


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        (block("fail", "model: {name: dim_a}"), "CON011 A1.R1 cannot fail: its failing"),
        (block("pass", "model: {name: a}"), "CON012 A1.R1 fails its passing example: not"),
        (block("pass", "model: ["), "CON010 this pass example cannot be read: not YAML"),
        (block("pass", "- model"), "CON010 this pass example is not a mapping"),
        (block("pass", "model: {nam: a}"), "CON010 this pass example does not make a valid spec"),
        (block("pass", "models: 7\nmodel: {}"), "CON010 this pass example gives model:"),
        (block("pass", "files: [a]"), "CON010 this pass example has files:"),
        (block("pass", "changed: a"), "CON010 this pass example has changed: that is not a list"),
        (block("pass", "changed: [{path: a, was: b}]"), "CON010 this pass example has changed: e"),
        (block("pass", "previous: a"), "CON010 this pass example has previous:"),
        (block("pass sql", "select 1"), None),
    ],
)  # fmt: skip
def test_examples_that_do_not(example: str, expected: str | None) -> None:
    found = list(self_test(constitution(example)))
    if expected is None:
        assert found == []
        return
    assert len(found) == 1
    assert found[0].severity is Severity.ERROR
    assert f"{found[0].code} {found[0].message}".startswith(expected)
    assert found[0].location
    assert found[0].location.line >= 11


def test_a_rule_that_gives_no_answer_shows_nothing() -> None:
    text = RULE.replace("model.name.", "model.nothing.") + block("fail", "model: {name: a}")
    (found,) = self_test(parse_constitution({"c/a.md": text}))
    assert found.message.startswith(
        "this fail example of A1.R1 is not judged: A1.R1 cannot be evaluated"
    )


def silent(item: Any, params: Any) -> Iterator[Breach]:
    yield from ()


def noisy(item: Any, params: Any) -> Iterator[Breach]:
    yield Breach("always")


SHIPPED = load_constitution(shipped("constitution"))
CHECKS = sorted({r.check for r in SHIPPED.rules if r.check})


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize(("broken", "code"), [(silent, "CON011"), (noisy, "CON012")])
def test_a_broken_check_is_found_out(name: str, broken: Any, code: str) -> None:
    """Every shipped rule goes red when its check no longer looks, or always complains."""
    checks = {**registered(), name: replace(registered()[name], run=broken)}
    found = self_test(SHIPPED, checks=checks)
    expected = {r.id for r in SHIPPED.rules if r.check == name}
    assert {f.subject for f in found} == expected
    assert {f.code for f in found} == {code}


@pytest.mark.parametrize("rule", [r for r in SHIPPED.rules if r.expr], ids=lambda r: r.id)
@pytest.mark.parametrize(("expr", "code"), [("true", "CON011"), ("false", "CON012")])
def test_a_broken_expression_is_found_out(rule: Any, expr: str, code: str) -> None:
    article = SHIPPED.article(rule.article)
    assert article
    broken = replace(article, rules=(replace(rule, expr=expr),))
    found = list(self_test(Constitution("c", (broken,))))
    assert {f.code for f in found} == {code}
