"""The lineage chart: its syntax for any spec, and its arrows for some."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from tools.review.mermaid import escaped, lineage
from tools.spec.model import Spec

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
LABEL = r'"(?:[\w .,:()/+-]|#\d+;)*"'
NODE = re.compile(rf"        ([A-Za-z]\w*)(?:\[{LABEL}\]|\[\({LABEL}\)\]|\(\[{LABEL}\]\))")
SUBGRAPH = re.compile(rf"    subgraph ([A-Za-z]\w*)\[{LABEL}\]")
EDGE = re.compile(r"    (\w+) --> (\w+)")


def check_syntax(chart: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The nodes and edges; every line is a node in a subgraph or an edge of declared nodes."""
    first, *lines = chart.splitlines()
    assert first == "flowchart LR"
    nodes: list[str] = []
    groups: list[str] = []
    edges: list[tuple[str, str]] = []
    inside = False
    for line in lines:
        if line == "    end":
            assert inside
            inside = False
        elif found := SUBGRAPH.fullmatch(line):
            assert not inside
            inside = True
            groups.append(found.group(1))
        elif found := NODE.fullmatch(line):
            assert inside
            nodes.append(found.group(1))
        else:
            found = EDGE.fullmatch(line)
            assert found, line
            edges.append((found.group(1), found.group(2)))
    assert not inside
    assert len({*nodes, *groups}) == len(nodes) + len(groups)
    assert {end for edge in edges for end in edge} <= set(nodes)
    assert not {"end", "graph", "subgraph", "class", "style", "click", "default"} & {
        *nodes,
        *groups,
    }
    return nodes, edges


def spec_of(**parts: Any) -> Spec:
    return Spec.model_validate({"pipeline": "p", **parts})


def source(*tables: str, name: str = "shop") -> dict[str, Any]:
    columns = [{"name": "id", "type": "integer"}]
    return {
        "name": name,
        "system": "mysql",
        "tables": [{"name": t, "columns": columns} for t in tables],
    }


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_syntax_of_the_cases(path: Path) -> None:
    spec = Spec.model_validate(YAML(typ="safe", pure=True).load(path.read_text("utf-8"))["spec"])
    nodes, edges = check_syntax(lineage(spec))
    assert nodes
    assert edges


@given(st.text(max_size=80))
def test_any_label_stays_in_its_quotes(text: str) -> None:
    assert re.fullmatch(LABEL, f'"{escaped(text)}"')


NAMES = st.from_regex(r"[A-Za-z0-9 _.|<>%{}#()\[\]-]{1,20}", fullmatch=True).filter(
    lambda name: bool(name.strip())
)


@given(st.lists(NAMES, min_size=1, max_size=6, unique_by=lambda name: name.strip().lower()))
def test_any_names_give_one_node_each(names: list[str]) -> None:
    nodes, _ = check_syntax(lineage(spec_of(sources=[source(*names)])))
    assert len(nodes) == len(names)


def test_a_history_is_drawn_through_its_change_log() -> None:
    model = {"name": "dim", "from": "shop.order", "load": {"strategy": "scd2", "key": ["id"]}}
    _, edges = check_syntax(lineage(spec_of(sources=[source("order")], models=[model])))
    assert set(edges) == {
        ("src_shop_order", "model_stg_shop_order"),
        ("model_stg_shop_order", "log_int_dim_changes"),
        ("log_int_dim_changes", "model_dim"),
    }


def test_a_staging_model_reads_its_source_itself() -> None:
    model = {"name": "stg_order", "layer": "staging", "from": "shop.order"}
    _, edges = check_syntax(lineage(spec_of(sources=[source("order")], models=[model])))
    assert edges == [("src_shop_order", "model_stg_order")]


def test_what_another_pipeline_makes_is_drawn_apart() -> None:
    models = [{"name": "a", "from": "elsewhere_dim"}]
    chart = lineage(spec_of(models=models))
    assert check_syntax(chart)[1] == [("other_elsewhere_dim", "model_a")]
    assert 'subgraph layer_elsewhere["other pipelines"]' in chart


def test_consumers_without_models_read_those_with_their_columns_or_the_last_ones() -> None:
    models = [
        {
            "name": "a",
            "from": "shop.order",
            "columns": [{"name": "id"}, {"name": "x", "expr": "1"}],
        },
        {"name": "b", "from": "a", "columns": [{"name": "id"}]},
    ]
    consumers = [
        {"name": "by_column", "columns": ["a.x"]},
        {"name": "by_nothing"},
        {"name": "by_model", "models": ["a"]},
    ]
    spec = spec_of(sources=[source("order")], models=models, consumers=consumers)
    edges = {edge for edge in check_syntax(lineage(spec))[1] if edge[1].startswith("use_")}
    assert edges == {
        ("model_a", "use_by_column"),
        ("model_b", "use_by_nothing"),
        ("model_a", "use_by_model"),
    }


def test_names_that_look_alike_keep_nodes_of_their_own() -> None:
    nodes, _ = check_syntax(lineage(spec_of(sources=[source("a b", "a-b", "a_b")])))
    assert len(nodes) == 3
