"""What every part of the spec model shares: strictness and the names that may become file names."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints


class Part(BaseModel):
    """A part of a spec: frozen, unknown keys are errors, written by alias (``from``, ``as``)."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, str_strip_whitespace=True
    )


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=63)]
"""A name that specmill gives to something it writes: pipelines, models, output columns."""

SourceName = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f\"'`;/\\]+$", min_length=1, max_length=127)
]
"""A name that somebody else gave: source tables and columns. Quoted wherever it is used."""

Names = Annotated[list[SourceName], BeforeValidator(_listed)]
"""One name or a list of names."""

Reference = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f\"'`;/\\]+$", min_length=1, max_length=255)
]
"""``source.table``, or the name of a model of this or another spec."""

Sql = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
"""A scalar or boolean SQL expression in the spec's dialect; ``{from}`` and ``{column}`` allowed."""

Duration = Annotated[str, StringConstraints(pattern=r"^\d+\s*(s|m|h|d|w)$")]
"""A whole number and a unit: ``30m``, ``1h``, ``7d``."""
