"""dbt properties files (``models/**/*.yml``) as rules need them: contracts, columns, tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tools.errors import InputError
from tools.spec.positions import Document, Path, read_document

_TEST_KEYS = ("data_tests", "tests")
_CONFIG_KEYS = ("severity", "where", "enabled", "error_if", "warn_if", "limit", "store_failures")
_META_KEYS = ("name", "test_name", "description", "config", "arguments", "tags", "meta")


@dataclass(frozen=True)
class PropertyTest:
    """A data test on a model or one of its columns, as the YAML asks for it.

    ``name`` is the generic test (``unique``, ``dbt_utils.unique_combination_of_columns``),
    ``label`` the name that it was given, if any.
    """

    name: str
    label: str
    column: str | None
    arguments: Mapping[str, Any]
    config: Mapping[str, Any]
    path: str
    line: int

    @property
    def severity(self) -> str:
        """``error`` or ``warn``."""
        return str(self.config.get("severity", "error")).lower()

    @property
    def enabled(self) -> bool:
        """Whether it runs at all."""
        return self.config.get("enabled", True) is not False


@dataclass(frozen=True)
class ColumnProperties:
    """A column as the YAML describes it."""

    name: str
    data_type: str
    description: str
    tests: tuple[PropertyTest, ...]
    line: int


@dataclass(frozen=True)
class ModelProperties:
    """A dbt model as the YAML describes it."""

    name: str
    path: str
    line: int
    description: str
    contract: bool
    columns: tuple[ColumnProperties, ...]
    tests: tuple[PropertyTest, ...]

    def column(self, name: str) -> ColumnProperties | None:
        """The column of that name, compared without case."""
        return next((c for c in self.columns if c.name.lower() == name.lower()), None)

    def all_tests(self) -> tuple[PropertyTest, ...]:
        """The tests on the model and on its columns."""
        return (*self.tests, *(t for c in self.columns for t in c.tests))


@lru_cache(maxsize=1024)
def read_properties(text: str, path: str) -> tuple[ModelProperties, ...]:
    """The models that a properties file describes; none when it describes something else.

    Raises:
        InputError: it is not YAML, or gives a key twice.
    """
    document = read_document(text, path)
    if document.findings:
        raise InputError(f"{path} cannot be read", "", tuple(document.findings))
    data = document.data
    if not isinstance(data, dict):
        return ()
    models = (("models", i, m) for i, m in enumerate(_list(data.get("models"))))
    snapshots = (("snapshots", i, m) for i, m in enumerate(_list(data.get("snapshots"))))
    return tuple(
        _model(document, (key, index), model)
        for key, index, model in (*models, *snapshots)
        if isinstance(model, dict) and isinstance(model.get("name"), str)
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _line(document: Document, path: Path) -> int:
    return document.positions.get(path, (0, 0))[0]


def _model(document: Document, path: Path, data: dict[str, Any]) -> ModelProperties:
    contract = _mapping(_mapping(data.get("config")).get("contract")) or _mapping(
        data.get("contract")
    )
    columns = tuple(
        _column(document, (*path, "columns", i), column)
        for i, column in enumerate(_list(data.get("columns")))
        if isinstance(column, dict) and isinstance(column.get("name"), str)
    )
    return ModelProperties(
        name=data["name"],
        path=document.path,
        line=_line(document, path),
        description=_text(data.get("description")),
        contract=contract.get("enforced") is True,
        columns=columns,
        tests=tuple(_tests(document, path, data, None)),
    )


def _column(document: Document, path: Path, data: dict[str, Any]) -> ColumnProperties:
    return ColumnProperties(
        name=data["name"],
        data_type=_text(data.get("data_type")),
        description=_text(data.get("description")),
        tests=tuple(_tests(document, path, data, data["name"])),
        line=_line(document, path),
    )


def _tests(
    document: Document, path: Path, data: dict[str, Any], column: str | None
) -> Iterator[PropertyTest]:
    for key in _TEST_KEYS:
        for i, item in enumerate(_list(data.get(key))):
            line = _line(document, (*path, key, i))
            if isinstance(item, str):
                yield PropertyTest(item, "", column, {}, {}, document.path, line)
            elif isinstance(item, dict) and item:
                yield _test(item, column, document.path, line)


def _test(item: dict[str, Any], column: str | None, path: str, line: int) -> PropertyTest:
    """A test in any of dbt's spellings: nested under its name, or flat with ``test_name``."""
    nested = next((k for k in item if isinstance(item[k], dict) and k not in _META_KEYS), None)
    name = item.get("test_name") or nested or next(iter(item))
    body = _mapping(item.get(nested)) if nested and "test_name" not in item else item
    outer = {k: v for k, v in item.items() if k != nested}
    config = {k: source[k] for source in (outer, body) for k in _CONFIG_KEYS if k in source}
    config |= _mapping(outer.get("config")) | _mapping(body.get("config"))
    arguments = {k: v for k, v in body.items() if k not in (*_META_KEYS, *_CONFIG_KEYS)} | _mapping(
        body.get("arguments")
    )
    label = _text(body.get("name")) or _text(outer.get("name"))
    return PropertyTest(str(name), label, column, arguments, config, path, line)
