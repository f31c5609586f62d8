"""The order of models, cycles, and a thousand specs in linear time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.errors import InputError
from tools.spec.edges import changes_name, cycles, reads, staging_name
from tools.spec.graph import lint_platform, order
from tools.spec.load import LoadedSpec, parse_spec
from tools.spec.model import Spec


def spec(**reads_of: list[str]) -> Spec:
    """A spec of models by name, each with what it reads."""
    models = [
        {"name": name, "from": first, "joins": [{"to": to} for to in rest]}
        for name, (first, *rest) in reads_of.items()
    ]
    return Spec.model_validate({"pipeline": "p", "models": models})


def names(made: Spec) -> list[str]:
    return [m.name for m in order(made)]


def test_models_come_after_what_they_read() -> None:
    made = spec(c=["b", "a"], b=["a"], a=["s.t"])
    assert names(made) == ["a", "b", "c"]


def test_models_that_are_ready_keep_the_order_of_the_spec() -> None:
    assert names(spec(z=["s.t"], a=["s.t"], m=["s.t"])) == ["z", "a", "m"]
    assert names(spec(z=["m"], a=["s.t"], m=["s.t"])) == ["a", "m", "z"]


def test_names_are_compared_without_case() -> None:
    assert names(spec(b=["A"], a=["s.t"])) == ["a", "b"]


def test_a_cycle_is_spelled_with_its_line() -> None:
    text = "pipeline: p\nmodels:\n  - name: a\n    from: b\n  - name: b\n    from: a\n"
    loaded = parse_spec(text, path="specs/p.yaml", file=Path("/specs/p.yaml"))
    with pytest.raises(InputError, match=r"^specs/p\.yaml:4:5: .*a → b → a$") as caught:
        order(loaded.spec, loaded)
    assert caught.value.remedy
    assert [f.code for f in caught.value.findings] == ["SPEC080"]
    with pytest.raises(InputError, match=r"^the models form a cycle: a → b → a$"):
        order(loaded.spec)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=40))
def test_order_and_cycles_agree(pairs: list[tuple[int, int]]) -> None:
    edges: dict[str, list[str]] = {f"m{n}": [] for n in range(13)}
    for a, b in pairs:
        edges[f"m{a}"].append(f"m{b}")
    made = spec(**{name: ["s.t", *targets] for name, targets in edges.items()})
    found = cycles(edges)
    for cycle in found:
        assert cycle[0] == cycle[-1]
        assert all(b in edges[a] for a, b in pairwise(cycle))
    if found:
        with pytest.raises(InputError):
            order(made)
        return
    placed = [m.name for m in order(made)]
    assert sorted(placed) == sorted(edges)
    for name, targets in edges.items():
        assert all(placed.index(t) < placed.index(name) for t in targets)


def test_reads_says_where() -> None:
    model = spec(a=["s.t", "b"]).models[0]
    assert reads(model) == ((("from",), "s.t"), (("joins", 0, "to"), "b"))


def test_names_of_what_is_made() -> None:
    assert staging_name("Shop", "Order Items") == "stg_shop__order_items"
    assert changes_name("dim_x") == "int_dim_x__changes"


def chain(count: int, *, closed: bool) -> list[LoadedSpec]:
    """Specs that each read a model of the one before; ``closed`` lets the first read the last."""
    loaded = []
    for n in range(count):
        source = f"m{n - 1}" if n else (f"m{count - 1}" if closed else "s.t")
        text = f"pipeline: p{n}\nmodels:\n  - name: m{n}\n    from: {source}\n"
        if not n and not closed:
            text += "sources: [{name: s, system: x, tables: [{name: t}]}]\n"
        loaded.append(parse_spec(text, path=f"{n}.yaml", file=Path(f"/specs/{n}.yaml")))
    return loaded


def test_a_thousand_specs_in_a_row() -> None:
    assert len(lint_platform(chain(1000, closed=False))) == 0


def test_a_thousand_specs_in_a_circle() -> None:
    (finding,) = lint_platform(chain(1000, closed=True))
    assert finding.code == "SPEC081"
    assert finding.message.count("→") == 1000


def test_the_examples_fit_together() -> None:
    files = sorted(Path("specs").glob("*.yaml"))
    loaded = [parse_spec(f.read_text("utf-8"), path=str(f), file=f.absolute()) for f in files]
    assert len(loaded) >= 3
    assert len(lint_platform(loaded)) == 0
