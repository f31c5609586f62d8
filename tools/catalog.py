"""The tools that a model may call; what it sees of them comes from signature and docstring.

A tool that is malformed in itself (no docstring, an argument that is not described) is a bug, said
when the catalog is read.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any, Literal, get_args, get_type_hints

import docstring_parser
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from tools import calls as folder
from tools.desk import Desk, ToolResult
from tools.errors import InternalError
from tools.registry import modules
from tools.spec.suggest import did_you_mean

Json = dict[str, Any]
Effect = Literal["read", "write", "run", "commit", "ask"]
"""What a call does: ``read`` changes nothing, ``write`` changes files that its ``path`` names,
``run`` runs a program, ``commit`` changes the repository's history, ``ask`` asks the person."""


@dataclass(frozen=True)
class Tool:
    """A function that a model may call.

    Args:
        name: of the tool, its module and its function.
        description: what the model is told about it.
        schema: JSON Schema of its input; the same bytes in every process.
        effect: see :data:`Effect`.
        function: takes the desk and the input.
        arguments: the same schema as a model, to validate with.
        shows: gives what a person is shown before the call.
    """

    name: str
    description: str
    schema: Json
    effect: Effect
    function: Callable[..., str | ToolResult]
    arguments: type[BaseModel]
    shows: Callable[..., str] | None = None

    def definition(self) -> Json:
        """The tool as the Messages API takes it."""
        return {"name": self.name, "description": self.description, "input_schema": self.schema}

    def malformed(self, given: Mapping[str, Any]) -> str:
        """Why the input does not fit the schema, as the model is told; empty if it fits."""
        try:
            self.arguments.model_validate(given)
        except ValidationError as error:
            known = list(self.arguments.model_fields)
            wrong = "; ".join(_reason(entry, known) for entry in error.errors())
            return f"the input of {self.name} does not fit its schema: {wrong}"
        return ""

    def call(self, desk: Desk, given: Mapping[str, Any]) -> ToolResult:
        """Calls the function with input that fits.

        Raises:
            ToolError: something that the model can act on.
        """
        answer = self.function(desk, **self._values(given))
        return answer if isinstance(answer, ToolResult) else ToolResult(answer)

    def preview(self, desk: Desk, given: Mapping[str, Any]) -> str:
        """What the person is shown before the call; empty where there is nothing to show.

        Raises:
            ToolError: the call would fail.
        """
        return self.shows(desk, **self._values(given)) if self.shows else ""

    def _values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        checked = self.arguments.model_validate(given)
        return {name: getattr(checked, name) for name in self.arguments.model_fields}


@lru_cache(maxsize=1)
def catalog() -> dict[str, Tool]:
    """Every tool by name, sorted.

    Raises:
        InternalError: a module of the folder is not a tool.
    """
    every = {module.__name__.rpartition(".")[2]: module for module in modules(folder)}
    return {name: _tool(name, module) for name, module in every.items()}


def _tool(name: str, module: ModuleType) -> Tool:
    function = getattr(module, name, None)
    effect: Any = getattr(module, "EFFECT", None)
    if function is None or effect not in get_args(Effect) or not function.__doc__:
        raise InternalError(f"{module.__name__} lacks EFFECT or a documented function {name}")
    doc = docstring_parser.parse(function.__doc__, docstring_parser.DocstringStyle.GOOGLE)
    arguments = _arguments(name, function, {p.arg_name: p.description or "" for p in doc.params})
    parts = f"{doc.short_description}\n\n{doc.long_description or ''}".strip().split("\n\n")
    text = "\n\n".join(" ".join(part.split()) for part in parts)
    schema = _plain(arguments.model_json_schema())
    shows = getattr(module, "preview", None)
    return Tool(name, text, schema, effect, function, arguments, shows)


def _arguments(
    name: str, function: Callable[..., Any], described: Mapping[str, str]
) -> type[BaseModel]:
    """A strict model of a function's arguments after the desk."""
    hints = get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    if [p.name for p in parameters] != list(described):
        raise InternalError(f"the docstring of {name} does not describe its arguments in order")
    fields: dict[str, Any] = {}
    for parameter in parameters:
        default = ... if parameter.default is parameter.empty else parameter.default
        text = " ".join(described[parameter.name].split())
        fields[parameter.name] = (hints[parameter.name], Field(default, description=text))
    config = ConfigDict(extra="forbid", strict=True)
    return create_model(name, __config__=config, **fields)


def _plain(schema: Any) -> Any:
    """A schema without the titles that pydantic makes up."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _plain(part) for name, part in value.items()}
        if key == "properties"
        else _plain(value)
        for key, value in schema.items()
        if key != "title"
    }


def _reason(entry: Mapping[str, Any], known: list[str]) -> str:
    """One error of pydantic in the words of the schema."""
    where = ".".join(str(part) for part in entry["loc"])
    if entry["type"] == "missing":
        return f"{where} is missing"
    if entry["type"] == "extra_forbidden":
        return f"{where} is not known ({did_you_mean(where, known)})"
    message = str(entry["msg"]).removeprefix("Input should be ")
    shown = repr(entry["input"])
    return f"{where} should be {message}, not {shown if len(shown) <= 80 else shown[:77] + '...'}"
