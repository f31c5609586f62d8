"""The code of a spec as ``dbt compile`` would give it, rendered here, so that tests need no dbt."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import jinja2

from tools.artifact import Artifact
from tools.generate.base import generate
from tools.plan import make_plan
from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.verify.proof.agree import Case
from tools.verify.proof.compile import _MOMENT, Compiled, assemble

_MACROS = ("any_changed", "batch_at", "hash_of")
CATALOG = "db"


def case_of(spec: Spec) -> Case:
    """The code that the compiler makes of a spec, ready to be proved."""
    return Case(spec, {}, compiled(spec, generate(make_plan(spec, "0" * 64), spec)))


def compiled_of(loaded: LoadedSpec) -> Compiled:
    return case_of(loaded.spec).compiled


def compiled(spec: Spec, artifacts: tuple[Artifact, ...]) -> Compiled:
    """Generated files as they are run."""
    texts = {a.path.rsplit("/", 1)[-1]: a.content for a in artifacts if a.path.endswith(".sql")}
    files = {name.removesuffix(".sql"): text for name, text in texts.items()}
    macros = "".join(files[name] for name in _MACROS if name in files)
    models = [
        a.path.rsplit("/", 1)[-1].removesuffix(".sql")
        for a in artifacts
        if "/models/" in a.path and a.path.endswith(".sql")
    ]
    first = {f"model.p.{m}": _node(m, files[m], macros, spec, again=False) for m in models}
    later = {f"model.p.{m}": _node(m, files[m], macros, spec, again=True) for m in models}
    return assemble(spec, first, later, {}, catalog=CATALOG)


def _node(name: str, text: str, macros: str, spec: Spec, *, again: bool) -> dict[str, Any]:
    config: dict[str, Any] = {}
    reads: list[str] = []

    def ref(model: str) -> str:
        reads.append(model)
        return f'"{CATALOG}"."s"."{model}"'

    def configure(**values: Any) -> str:
        config.update(values)
        return ""

    landing = {s.name: spec.landing(s) for s in spec.sources}
    names = {
        "ref": ref,
        "source": lambda source, table: f'"{CATALOG}"."{landing[source]}"."{table}"',
        "this": f'"{CATALOG}"."s"."{name}"',
        "config": configure,
        "is_incremental": lambda: again,
        "var": lambda key, default=None: _MOMENT,
        "run_started_at": dt.datetime(2024, 1, 1),
    }
    code = jinja2.Environment().from_string(macros + text).render(**names)  # noqa: S701 - SQL
    hook = config.get("post_hook")
    below = [*reads, *re.findall(r"ref\('(\w+)'\)", hook or "")]
    return {
        "name": name,
        "resource_type": "model",
        "relation": f'"{CATALOG}"."s"."{name}"',
        "code": code,
        "materialized": config.get("materialized", "view"),
        "depends_on": {"nodes": [f"model.p.{m}" for m in dict.fromkeys(below)]},
        "settings": {
            "incremental_strategy": config.get("incremental_strategy"),
            "unique_key": config.get("unique_key"),
        },
        "hooks": {"pre": [], "post": [hook] if hook else []},
    }
