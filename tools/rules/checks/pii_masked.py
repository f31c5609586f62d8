"""Personal data does not lie open in the layers that everybody reads.

Anti-pattern: ``dim_customer`` with e-mail and phone in clear, because somebody may need it one day.

Best practice: marts carry keys and hashes; the clear value stays in a layer with fewer readers.
Where a consumer needs it, a waiver says who, why and until when.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.rules.breach import Breach, Options
from tools.rules.items import Item
from tools.spec.scope import expression_of, outputs
from tools.sql.flow import exposed_columns
from tools.sql.parse import SqlError

NAME = "pii_masked"
ON = ("model",)


class Params(Options):
    """``layers`` in which personal data has to be hidden."""

    layers: list[str] = ["marts"]


def check(item: Item, params: Params) -> Iterator[Breach]:
    """Yields a breach for each personal column that a model of these layers shows."""
    spec, model = item.view.spec, item.model
    if spec is None or model is None or model.layer not in params.layers:
        return
    declared = {c.name.lower(): c for c in model.columns}
    for column in outputs(spec, model):
        if not column.pii:
            continue
        output = declared.get(column.name.lower())
        try:
            if output is not None and not exposed_columns(expression_of(spec, model, output)):
                continue
        except SqlError:
            continue  # the spec's own lint says so
        name = f"{model.name}.{column.name}"
        place = ("columns", model.columns.index(output)) if output else ()
        yield Breach(
            f"{name} shows personal data in {model.layer}",
            "hide it (sha256), leave it out, or waive this with an owner and a date",
            item.at(*place),
            name,
        )
