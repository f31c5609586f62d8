from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tools.errors import InputError, UsageError, WaitsForPerson
from tools.suites.base import Place
from tools.suites.dbt_profile import load_profile, variables_of


@pytest.fixture
def place(tmp_path: Path) -> Place:
    project = tmp_path / "checkout"
    project.mkdir()
    (project / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    tree = tmp_path / "tree"
    return Place(project, tree, tree, tmp_path / "private", {"HOME": str(tmp_path / "home")})


def write(place: Place, output: str, folder: Path | None = None) -> None:
    folder = folder or place.origin
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "profiles.yml").write_text(
        f"other: {{}}\nshop:\n  target: dev\n  outputs:\n    dev: {output}\n    ci: {output}\n"
    )


def test_the_file_is_copied_afresh_for_each_run(place: Place) -> None:
    write(place, "{type: duckdb, path: data/shop.duckdb, schema: main}")
    file = place.origin / "data" / "shop.duckdb"
    file.parent.mkdir()
    file.write_bytes(b"rows")
    profile = load_profile(place)
    assert profile.says == "target dev (duckdb), on a copy of the database"
    made = YAML(typ="safe").load(profile.folder / "profiles.yml")["shop"]["outputs"]["dev"]
    copy = Path(made["path"])
    assert made["schema"] == "main"
    assert copy.name == "shop.duckdb", "dbt names the catalog after the file"
    assert copy.is_relative_to(place.private)
    assert (profile.folder / "profiles.yml").stat().st_mode & 0o077 == 0
    for _ in range(2):
        profile.refresh()
        assert copy.read_bytes() == b"rows"
        copy.write_bytes(b"changed by a build")
        Path(f"{copy}.wal").write_bytes(b"left")
    assert file.read_bytes() == b"rows"
    profile.refresh()
    assert not Path(f"{copy}.wal").exists()


@pytest.mark.parametrize("path", ["':memory:'", "none.duckdb"])
def test_a_database_that_is_not_there_begins_empty(place: Place, path: str) -> None:
    write(place, f"{{type: duckdb, path: {path}}}")
    profile = load_profile(place, "ci")
    assert profile.target == "ci"
    profile.refresh()
    assert not any(copy.exists() for _, copy in profile.copies)


def test_variables_are_filled_in(place: Place, tmp_path: Path) -> None:
    environ = {**place.environ, "SHOP_DB": str(tmp_path / "a.duckdb"), "DBT_PROFILES_DIR": "x"}
    place = Place(place.origin, place.project, place.top, place.private, environ)
    folder = tmp_path / "profiles"
    environ["DBT_PROFILES_DIR"] = str(folder)
    write(place, "{type: duckdb, path: \"{{ env_var('SHOP_DB', 'b.duckdb') }}\"}", folder)
    ((source, _),) = load_profile(place).copies
    assert source == tmp_path / "a.duckdb"
    del environ["SHOP_DB"]
    ((source, _),) = load_profile(place).copies
    assert source == place.origin / "b.duckdb"


def test_attached_databases(place: Place) -> None:
    (place.origin / "raw.duckdb").write_bytes(b"raw")
    output = "{type: duckdb, path: a.duckdb, attach: [{path: raw.duckdb}"
    write(place, output + ", {path: ref.duckdb, alias: r, read_only: true}]}")
    profile = load_profile(place)
    made = YAML(typ="safe").load(profile.folder / "profiles.yml")["shop"]["outputs"]["dev"]
    raw, ref = made["attach"]
    assert raw["alias"] == "raw"
    assert Path(raw["path"]).is_relative_to(place.private)
    assert ref == {"path": str(place.origin / "ref.duckdb"), "alias": "r", "read_only": True}


@pytest.mark.parametrize(
    "output",
    [
        "{type: postgres, host: db.example}",
        "{type: duckdb, path: 'md:shop'}",
        '{type: duckdb, path: "{{ target.name }}.duckdb"}',
        "{type: duckdb, path: a.duckdb, attach: [{path: 'postgres://x'}]}",
    ],
)
def test_a_database_that_cannot_be_copied_is_written_to_only_when_said(
    place: Place, output: str
) -> None:
    write(place, output)
    with pytest.raises(WaitsForPerson, match="target dev") as caught:
        load_profile(place)
    assert caught.value.remedy == "if that is meant, say so: --target dev"
    profile = load_profile(place, "dev")
    assert profile.folder == place.origin
    assert "in place" in profile.says


@pytest.mark.parametrize(
    ("text", "target", "error", "says"),
    [
        (None, "", UsageError, "there is no profiles.yml"),
        ("a: 1\n", "", UsageError, "no profile 'shop'"),
        ("shop: {outputs: {dev: {type: duckdb}}}\n", "", UsageError, "no target 'default'"),
        ("shop: {outputs: {dev: {type: duckdb}}}\n", "x", UsageError, "no target 'x'"),
        ("shop: [", "", InputError, "not YAML"),
    ],
)
def test_profiles_that_do_not_do(
    place: Place, text: str | None, target: str, error: type[Exception], says: str
) -> None:
    if text is not None:
        (place.origin / "profiles.yml").write_text(text)
    with pytest.raises(error, match=says):
        load_profile(place, target)


def test_variables_that_a_project_asks_for(place: Place) -> None:
    (place.origin / "models").mkdir()
    (place.origin / "models" / "a.sql").write_text("{{ env_var('A') }} {{ env_var(\"B\", 1) }}")
    (place.origin / ".hidden").mkdir()
    (place.origin / ".hidden" / "c.sql").write_text("{{ env_var('C') }}")
    assert variables_of(place.origin) == ("A", "B")
    environ = {"A": "1", "B": "2", "C": "3", "ANTHROPIC_API_KEY": "k", "SPECMILL_X": "y"}
    own = Place(place.origin, place.project, place.top, place.private, environ, passes=("C",))
    assert own.environment(("A", "ANTHROPIC_API_KEY", "SPECMILL_X")) == {"A": "1", "C": "3"}
