"""What the compiler writes against the oracle, on the fixtures: neither knows of the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.tools.verify.oracle.rendered import Rendered
from tools.spec.load import load_spec
from tools.spec.model import Spec
from tools.spec.scope import surrogate_key
from tools.spec.transform import Model
from tools.verify.compare import Difference, difference
from tools.verify.dataset import Dataset, Table
from tools.verify.fixtures.admit import moment_of
from tools.verify.fixtures.make import Fixtures
from tools.verify.oracle.warehouse import Warehouse
from tools.verify.witness import minimise_loads

ROOT = Path(__file__).parents[4]
FILES = sorted(
    [*(ROOT / "specs").glob("*.yaml"), *(ROOT / "tests/tools/generate/cases").glob("*.yaml")]
)
WIDE = YAML(typ="safe").load(Path(__file__).parent / "cases" / "wide.yaml")
DIGEST = "0123456789abcdef" * 4


def alone(spec: Spec, name: str) -> Spec:
    """One model, with those that it reads."""
    wanted = [m for m in spec.models if m.name == name]
    while (below := spec.model_named(wanted[0].from_)) is not None:
        wanted.insert(0, below)
    return spec.model_copy(update={"models": wanted})


def compared(
    spec: Spec, loads: tuple[Dataset, ...], house: Warehouse, code: Rendered
) -> Iterator[tuple[Model, Difference | None]]:
    """How the models differ after each load; what the spec leaves open is passed over."""
    for number, dataset in enumerate(loads):
        code.load(dataset, moment_of(number))
        for name, result in house.load(dataset, moment_of(number)).items():
            model = spec.model_named(name)
            assert model is not None
            assert not result.failed, result.failed
            if result.undetermined:
                continue
            found = code.table(name, ("_change_count", surrogate_key(model)))
            yield model, difference(result.table, found, model.grain, result.untyped)


def check(spec: Spec, digest: str, *, loads: bool = True) -> int:
    count = 0
    with Fixtures(spec, digest) as fixtures, closing(Rendered(spec)) as code:
        sequences = [(d,) for d in fixtures.each()]
        sequences += fixtures.loads() if loads else ()
        for found in sequences:
            code.reset()
            house = Warehouse(spec, fixtures.engine)
            for model, wrong in compared(spec, found, house, code):
                assert wrong is None, (model.name, found[0].name, wrong)
                count += 1
    return count


SMALL = [f for f in FILES if f.stem in ("dim_order", "orders", "spend")]


@pytest.mark.parametrize("file", SMALL, ids=lambda f: f.stem)
def test_specs(file: Path) -> None:
    found = load_spec(file)
    assert check(found.spec, found.digest) >= 20


@pytest.mark.slow
@pytest.mark.parametrize("file", [f for f in FILES if f not in SMALL], ids=lambda f: f.stem)
def test_larger_specs(file: Path) -> None:
    found = load_spec(file)
    assert check(found.spec, found.digest) >= 100


@pytest.mark.slow
@pytest.mark.parametrize("name", [m["name"] for m in WIDE["models"]])
def test_every_kind_of_model(name: str) -> None:
    spec = alone(Spec.model_validate(WIDE), name)
    strategy = spec.models[-1].load.strategy
    assert check(spec, DIGEST, loads=strategy != "full") >= 8


FAULTS: list[tuple[str, str, str, tuple[str, str]]] = [
    ("order items fanned out", "customer_360", "int_orders",
     ("    group by order_id\n", "    group by order_id, item_no\n")),
    ("a filter moved after a left join", "customer_360", "int_customer_profile",
     ("left join address", "inner join address")),
    ("a column swapped", "dim_order", "fct_order",
     ("coalesce(lines.pieces, 0)", "coalesce(lines.line_count, 0)")),
    ("an scd2 that closes without inserting", "dim_order", "dim_order",
     ("where intervals._operation = 'U'",
      "where intervals._operation = 'U' and intervals.valid_to is not null")),
    ("an interval closed at both ends", "dim_order", "dim_order",
     ("lead(valid_from) over", "lag(valid_from) over")),
    ("a watermark that skips ties", "salesforce_ingest", "fct_opportunity_stage",
     ("where entered_at > ", "where entered_at >= ")),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.parametrize(("name", "file", "fault"), [(f[0], f[1], f[2:]) for f in FAULTS],
                         ids=[f[0] for f in FAULTS])  # fmt: skip
def test_planted_faults_are_refuted_by_a_few_rows(
    name: str, file: str, fault: tuple[str, tuple[str, str]]
) -> None:
    found = load_spec(ROOT / "specs" / f"{file}.yaml")
    model, edit = fault
    wanted = [m for m in found.spec.models if m.name in upstream(found.spec, model)]
    spec = found.spec.model_copy(update={"models": wanted})

    def fails(loads: tuple[Dataset, ...]) -> bool:
        code.reset()
        house = Warehouse(spec, fixtures.engine)
        return any(d for m, d in compared(spec, loads, house, code) if m.name == model)

    with Fixtures(spec, found.digest) as fixtures, closing(Rendered(spec, {model: edit})) as code:
        singles = ((d,) for d in fixtures.each())
        wrong = next((loads for loads in chain(singles, fixtures.loads()) if fails(loads)), None)
        assert wrong is not None, name
        witness = minimise_loads(wrong, fails, budget=20)
        assert fails(witness)
        assert sum(d.size for d in witness) <= 5


def upstream(spec: Spec, name: str) -> set[str]:
    model = spec.model_named(name)
    if model is None:
        return set()
    below = (upstream(spec, r) for r in (model.from_, *(j.to for j in model.joins)))
    return {name}.union(*below)


def test_a_fault_in_the_oracle_shows_too(monkeypatch: pytest.MonkeyPatch) -> None:
    found = load_spec(ROOT / "specs" / "dim_order.yaml")
    monkeypatch.setattr("tools.verify.oracle.joins._nothing", lambda slots: (7,) * len(slots))
    with pytest.raises(AssertionError):
        check(found.spec, found.digest, loads=False)


def test_the_tables_of_a_rendered_project_have_their_types() -> None:
    found = load_spec(ROOT / "specs" / "dim_order.yaml")
    code = Rendered(found.spec)
    code.load(Dataset({}), moment_of(0))
    table: Table = code.table("fct_order")
    code.close()
    assert dict(table.columns)["goods_amount"] == "decimal(18, 2)"
