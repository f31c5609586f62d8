"""Folders whose modules are found, not listed: a new thing is one new file."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Sequence
from types import ModuleType

from tools.errors import InternalError


def modules(folder: ModuleType) -> tuple[ModuleType, ...]:
    """The modules of a package, sorted by name; those that begin with ``_`` are its own."""
    names = sorted(m.name for m in pkgutil.iter_modules(folder.__path__) if m.name[0] != "_")
    return tuple(importlib.import_module(f"{folder.__name__}.{name}") for name in names)


def named(
    folder: ModuleType, what: str, *, has: Sequence[str], says: Sequence[str]
) -> dict[str, ModuleType]:
    """The modules of a package by their ``NAME``.

    Args:
        folder: the package.
        what: what its modules are, for people: ``check``, ``operator``.
        has: names that each module has besides ``NAME``.
        says: texts that each docstring holds.

    Raises:
        InternalError: a module lacks something, or two have one name.
    """
    found: dict[str, ModuleType] = {}
    for module in modules(folder):
        needed = ("NAME", *has)
        missing = [a for a in needed if not hasattr(module, a)]
        missing += [f"{part!r} in its docstring" for part in says if part not in documented(module)]
        if missing:
            raise InternalError(
                f"{module.__name__} lacks {', '.join(missing)}",
                f"every module of {folder.__name__} has {', '.join(needed)} and a docstring",
            )
        if module.NAME in found:
            raise InternalError(f"two {what}s are called {module.NAME}", "rename one of them")
        found[module.NAME] = module
    return found


def documented(module: ModuleType) -> str:
    """The docstring of a module, without its indentation; empty if it has none."""
    return inspect.cleandoc(module.__doc__ or "")
