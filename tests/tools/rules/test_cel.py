import pytest

from tools.rules import cel
from tools.rules.cel import CelError, holds, unknown_variables


@pytest.mark.parametrize(
    ("expression", "variables", "answer"),
    [
        ('model.name.startsWith("dim_")', {"model": {"name": "dim_order"}}, True),
        ("model.joins.all(j, j.cardinality != null)", {"model": {"joins": []}}, True),
        (
            "model.joins.all(j, j.cardinality != null)",
            {"model": {"joins": [{"cardinality": None}]}},
            False,
        ),
        ('join["as"] == "a"', {"join": {"as": "a"}}, True),
        ('name.matches("^[a-z]+$")', {"name": "Abc"}, False),
        ("has(a.b) && a.b", {"a": {}}, False),
        ("ratio < 1.0", {"ratio": 0.2}, True),
        ("a == b", {"a": {"x": [1, {"y": None}]}, "b": {"x": [1, {"y": None}]}}, True),
    ],
)
def test_answers(expression: str, variables: dict[str, object], answer: bool) -> None:
    assert holds(expression, variables) is answer


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("a.missing == 1", r"there is no key 'missing': ask has\(...\) first"),
        ("nobody == 1", "Undefined variable"),
        ('a.n > "x"', "No such overload"),
        ("a.n / 0 == 1", "division by zero"),
        ("a.list[3] == 1", "index out of bounds"),
        ("size(a.none) == 0", "size"),
        ("a.name.nothing() == 1", "nothing"),
        ('a.name.matches("(")', "regex"),
        ("9223372036854775807 + a.n > 0", "overflow"),
        ("a.n", "answers int, not true or false"),
        ("a.none", "answers NoneType, not true or false"),
        ("1 +", "is not CEL"),
        ("a &&", "is not CEL"),
        ("true " + "|| true " * 400, "longer than 2000 characters"),
        ("[1].all(a, [1].all(b, [1].all(c, [1].all(d, [1].all(e, true)))))", "more than 4 of all"),
        ("(" * 900 + "true" + ")" * 900, "is not CEL"),
    ],
)
def test_no_answer_is_an_error_never_a_pass(expression: str, message: str) -> None:
    with pytest.raises(CelError, match=message):
        holds(expression, {"a": {"n": 1, "list": [], "none": None, "name": "x"}})


def test_the_line_of_a_syntax_error() -> None:
    with pytest.raises(CelError) as caught:
        cel.compiled("true &&\n  (")
    assert caught.value.line == 2


def test_unknown_variables() -> None:
    known = frozenset({"spec"})
    assert unknown_variables("spec.models.all(m, m.name != '')", known) == []
    assert unknown_variables("specs.models.exists(m, m.x == y)", known) == ["specs", "y"]
