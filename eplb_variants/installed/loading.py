"""One function of an installed engine, imported without the engine's start-up.

``import sglang`` or ``import vllm`` would need all that a server needs. Their placement modules do not: here such a
module is imported under empty packages in place of its real ones, and ``sys.modules`` is left as it was found, so that
a real import of the engine, before or after, is none the wiser.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import Any

from eplb_variants.errors import UnfitError

TESTED = {"sglang": "0.5.23", "vllm": "0.33.0"}
"""The engines, and the version of each whose modules are where this package looks for them."""
_importing = RLock()


def installed_version(engine: str) -> str | None:
    """Return the version of an installed package, None where there is none to be found."""
    try:
        return version(engine)
    except PackageNotFoundError:
        return None


def why_missing(engine: str) -> str:
    """Return a sentence with the command that installs an engine; empty where it is installed."""
    if _spec(engine) is not None:
        return ""
    tested = f" (tested with {TESTED[engine]})" if engine in TESTED else ""
    return f"{engine} is not installed, and this variant runs its code: pip install --no-deps {engine}{tested}"


def run_engine(module: str, function: str, **arguments: Any) -> Any:
    """Return what a function of an engine answers.

    Args:
        module: its full name; the first part is the engine.
        function: its name in the module, or ``Class.method``.
        arguments: what it is called with; it must not be handed arrays of ours.

    Raises:
        UnfitError: the engine is missing, has no such function at that place, or asserts that the arguments are such
            as it cannot take.
    """
    engine = module.partition(".")[0]
    found = _function(module, function)
    try:
        inspect.signature(found).bind(**arguments)
    except TypeError as error:
        raise _other_layout(engine, f"takes other arguments in {module}.{function}: {error}") from None
    try:
        return found(**arguments)
    except AssertionError as error:
        reason = str(error) or "it asserts so without a word"
        raise UnfitError(f"{engine} cannot place this load on this topology: {reason}") from None


@cache
def _function(module: str, function: str) -> Callable[..., Any]:
    found: Any = _module(module)
    for name in function.split("."):
        found = getattr(found, name, None)
    if not callable(found):
        raise _other_layout(module.partition(".")[0], f"has no {function} in {module}")
    return found


def _module(name: str) -> ModuleType:
    engine = name.partition(".")[0]
    spec = _spec(engine)
    if spec is None:
        raise UnfitError(why_missing(engine))
    with _importing, _empty_packages(name, spec.submodule_search_locations or []):
        try:
            return importlib.import_module(name)
        except Exception as error:  # whatever else that version wants at import
            raise _other_layout(engine, f"has no {name} that can be imported by itself: {error}") from None


def _spec(engine: str) -> ModuleSpec | None:
    try:
        return find_spec(engine)
    except ValueError:  # something without a spec sits in sys.modules under that name
        return None


def _other_layout(engine: str, what: str) -> UnfitError:
    found, tested = installed_version(engine) or "of an unknown version", TESTED.get(engine, "none")
    return UnfitError(f"the installed {engine} {found} {what} (tested with {engine} {tested})")


@contextmanager
def _empty_packages(module: str, folders: Sequence[str]) -> Iterator[None]:
    """Let a module be imported as if the ``__init__`` of each of its packages were empty."""
    engine, *inner = module.split(".")[:-1]
    kept = _take_out(engine)
    try:
        name = engine
        sys.modules[name] = _empty_package(name, folders)
        for part in inner:
            name, folders = f"{name}.{part}", [str(Path(folder, part)) for folder in folders]
            sys.modules[name] = _empty_package(name, folders)
        yield
    finally:
        _take_out(engine)
        sys.modules.update(kept)


def _empty_package(name: str, folders: Sequence[str]) -> ModuleType:
    package = ModuleType(name)
    package.__path__ = list(folders)
    return package


def _take_out(engine: str) -> dict[str, ModuleType]:
    """Remove an engine's modules from ``sys.modules`` and return them."""
    names = [name for name in sys.modules if name.partition(".")[0] == engine]
    return {name: sys.modules.pop(name) for name in names}
