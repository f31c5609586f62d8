"""Shows a spec as specmill understands it."""

from __future__ import annotations

import io

from ruamel.yaml import YAML

from tools.calls._output import listed, shaped
from tools.calls._specs import load
from tools.calls._yaml import find
from tools.desk import Desk, ToolResult
from tools.findings import Report

EFFECT = "read"


def read_spec(desk: Desk, path: str, at: str = "") -> ToolResult:
    """Show a spec as it is understood: in its canonical form, with what was filled in or assumed.

    To see the file as it was written, use read_file.

    Args:
        path: The spec file, relative to the work tree, such as specs/orders.yaml.
        at: Only this part, such as models.dim_order or models.dim_order.columns.status; entries of
            lists are named by their name or index. Empty for all of it.
    """
    loaded = load(desk, path)
    part = find(loaded.spec.to_json(), at)
    stream = io.StringIO()
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 4096
    yaml.dump(part, stream)
    text = stream.getvalue().removesuffix("...\n")
    if loaded.notes and not at:
        text += f"\n[notes]\n{listed(Report.of(loaded.notes))}\n"
    return shaped(desk, "spec", text, limit=30_000)
