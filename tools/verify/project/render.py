"""The models of a copied project as dbt renders them; what cannot be rendered is set aside."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.verify.project.place import Place
from tools.verify.replies import DbtRun
from tools.verify.worker import DbtWorker

_MOST_BROKEN = 40
_FILE = re.compile(r"([\w][\w./ -]*\.(?:sql|ya?ml|py|csv))")
_LOOKS = re.compile(
    r"run_query|call statement|get_columns_in_relation|get_column_values|\.star\(|get_relation"
    r"|load_relation|get_filtered_columns|unpivot|union_relations"
)
_STUB = "select cast(null as integer) as specmill_not_rendered\n"
_FIRST = ("--full-refresh", "--exclude", "resource_type:unit_test")

Node = Mapping[str, Any]


@dataclass
class Rendered:
    """What dbt made of a project.

    Args:
        nodes: compiled nodes by id, as for an empty place.
        again: the same where tables stand.
        manifest: dbt's own account of the project.
        unit_tests: as the worker tells of them.
        broken: files that could not be rendered, relative to the project, and why.
        error: why there is nothing at all.
    """

    nodes: Mapping[str, Node] = field(default_factory=dict)
    again: Mapping[str, Node] = field(default_factory=dict)
    manifest: Mapping[str, Any] = field(default_factory=dict)
    unit_tests: tuple[Mapping[str, Any], ...] = ()
    broken: dict[str, str] = field(default_factory=dict)
    error: str = ""


def render(
    place: Place,
    worker: DbtWorker,
    stand: Callable[[Rendered], None],
    progress: Callable[[str], None],
) -> Rendered:
    """Has dbt render the models and tests of a project.

    A file that dbt cannot read is replaced by a stub in the copy, so that others can be rendered.

    Args:
        place: the copy.
        worker: a warm dbt.
        stand: makes tables in the scratch database, for what looks at them while it is rendered.
        progress: told what happens.
    """
    found = Rendered()

    def dbt(*args: str) -> DbtRun:
        return worker.dbt(
            args, project=place.root, database=place.database,
            profiles=place.root.parents[4] / "profiles",
        )  # fmt: skip

    _without_packages(place, found)
    for _ in range(_MOST_BROKEN):
        progress("rendering the models (dbt compile)")
        run = dbt("compile", *_FIRST)
        failed = [r for r in run.results if r["status"] == "error"]
        if run.nodes and not failed:
            break
        aside = _set_aside(place, found, run, failed)
        if not aside:
            found.error = run.error or "; ".join(e["message"] for e in run.events[:1])
            return found
    dbt("parse", "--write-json")
    found.manifest = _bare(_manifest(worker, place), place)
    found.nodes, found.unit_tests = _bare(run.nodes, place), _bare(run.unit_tests, place)
    stand(found)
    if _LOOKS.search(_texts(place)):
        progress("rendering again what looks at tables")
        second = dbt("compile", *_FIRST)
        more = {i: n for i, n in second.nodes.items() if n.get("code")}
        found.nodes = {**found.nodes, **_bare(more, place)}
        stand(found)
    if any(n.get("materialized") == "incremental" for n in found.nodes.values()):
        progress("rendering incremental models as for tables that stand")
        later = dbt("compile", "--exclude", "resource_type:test", "resource_type:unit_test")
        found.again = _bare(later.nodes, place)
    return found


def _bare(data: Any, place: Place) -> Any:
    """What dbt gave with relations called by schema and name, as if there were one database."""
    catalog = re.escape(place.database.stem)
    named = re.compile(rf'"{catalog}"\."((?:[^"]|"")+)"\."((?:[^"]|"")+)"')

    def visit(value: Any) -> Any:
        if isinstance(value, str):
            return named.sub(r'"\1"."\2"', value)
        if isinstance(value, dict):
            return {k: visit(v) for k, v in value.items()}
        return tuple(map(visit, value)) if isinstance(value, list | tuple) else value

    return visit(data)


def _without_packages(place: Place, found: Rendered) -> None:
    """Packages that are declared and not installed are taken out of the copy, and said."""
    folder = place.root / str(place.settings.get("packages-install-path", "dbt_packages"))
    installed = folder.is_dir() and any(folder.iterdir())
    declared = [n for n in ("packages.yml", "dependencies.yml") if (place.root / n).is_file()]
    if installed or not declared:
        return
    for name in declared:
        (place.root / name).unlink()
    (place.root / "package-lock.yml").unlink(missing_ok=True)
    found.broken[declared[0]] = "its packages are not installed: run dbt deps in the project"


def _set_aside(place: Place, found: Rendered, run: DbtRun, failed: list[Mapping[str, Any]]) -> bool:
    """Stubs the files that dbt complains of; False when none can be named."""
    if failed:
        some = False
        for result in failed:
            path = str(run.nodes[result["unique_id"]]["original_file_path"])
            some = _stub(place, found, path, str(result["message"])) or some
        return some
    message = run.error or " ".join(e["message"] for e in run.events)
    for path in _FILE.findall(message):
        for root in ("", *place.settings.get("model-paths", ["models"])):
            if _stub(place, found, str(Path(root) / path.strip()), message):
                return True
    return False


def _stub(place: Place, found: Rendered, path: str, message: str) -> bool:
    file = place.root / path
    if path in found.broken or not file.is_file() or path == "dbt_project.yml":
        return False
    lines = [line.strip() for line in message.strip().splitlines() if line.strip()]
    said = next((x for x in lines if not x.endswith("Error") and path not in x), lines[0])
    found.broken[path] = said[:300]
    is_model = any(
        file.is_relative_to(place.root / p) for p in place.settings.get("model-paths", ["models"])
    )
    if file.suffix == ".sql":
        file.write_text(_STUB if is_model else "", encoding="utf-8")
        if not is_model:
            file.unlink()
    else:
        file.unlink()
    return True


def _manifest(worker: DbtWorker, place: Place) -> Mapping[str, Any]:
    file = worker.state / "dbt" / place.database.stem / "target" / "manifest.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _texts(place: Place) -> str:
    files = [p for p in place.root.rglob("*.sql") if "dbt_packages" not in p.parts]
    return "\n".join(p.read_text(encoding="utf-8", errors="replace") for p in files)
