from __future__ import annotations

from pathlib import Path

from agent.nodes.specs import load_resolved, neighbours, spec_files
from tools.spec.load import LoadedSpec
from tools.workspace import Workspace

SOURCE = """\
sources:
  - name: shop
    system: mysql
    tables:
      - {name: %s, primary_key: [id], columns: [{name: id, type: bigint}]}
"""


def spec(pipeline: str, reads: str, *, source: str = "") -> str:
    models = f"models:\n  - {{name: m_{pipeline}, grain: [id], from: {reads}}}\n"
    return f"pipeline: {pipeline}\n" + (SOURCE % source if source else "") + models


def make(root: Path, **texts: str) -> Workspace:
    (root / "specs").mkdir()
    for name, text in texts.items():
        (root / "specs" / f"{name}.yaml").write_text(text)
    return Workspace(root)


def near(workspace: Workspace, name: str) -> list[str]:
    loaded: list[str] = []

    def load(file: Path) -> LoadedSpec:
        loaded.append(file.stem)
        return load_resolved(file, workspace, ())

    one = load_resolved(workspace.specs / f"{name}.yaml", workspace, ())
    found = neighbours(one, spec_files(workspace), load)
    assert sorted(loaded) == sorted(Path(other.path).stem for other in found)
    return [other.spec.pipeline for other in found]


def test_only_specs_that_share_a_name_are_read(tmp_path: Path) -> None:
    workspace = make(
        tmp_path,
        a=spec("a", "shop.order", source="order"),
        b=spec("b", "m_a"),
        c=spec("c", "m_b"),
        other=spec("other", "shop.item", source="item"),
    )
    assert near(workspace, "a") == ["b", "c"]
    assert near(workspace, "c") == ["a", "b"]
    assert near(workspace, "other") == []


def test_a_spec_with_a_source_table_of_the_same_name_is_near(tmp_path: Path) -> None:
    workspace = make(
        tmp_path,
        a=spec("a", "shop.order", source="order"),
        b=spec("b", "shop.order", source="order"),
        c=spec("c", "web.order", source="order").replace("name: shop", "name: web"),
    )
    assert near(workspace, "a") == ["b", "c"]


def test_a_neighbour_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    workspace = make(tmp_path, a=spec("a", "shop.order", source="order"), b="m_a: [\n")
    one = load_resolved(workspace.specs / "a.yaml", workspace, ())
    assert neighbours(one, spec_files(workspace), lambda f: load_resolved(f, workspace, ())) == ()


def test_data_ddl_schemas_and_hidden_files_are_no_specs(tmp_path: Path) -> None:
    workspace = make(tmp_path, a="")
    for name in ("data/x.json", "team/b.yml", "spec.schema.json", ".hidden.yaml", "ddl/x.yaml"):
        file = workspace.specs / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
    names = [file.relative_to(workspace.specs).as_posix() for file in spec_files(workspace)]
    assert names == ["a.yaml", "team/b.yml"]


def test_the_shown_path_does_not_depend_on_where_one_stands(tmp_path: Path) -> None:
    workspace = make(tmp_path, a=spec("a", "shop.order", source="order"))
    assert load_resolved(workspace.specs / "a.yaml", workspace, ()).path == "specs/a.yaml"
    outside = Workspace(tmp_path / "elsewhere")
    assert load_resolved(workspace.specs / "a.yaml", outside, ()).path == "a.yaml"
