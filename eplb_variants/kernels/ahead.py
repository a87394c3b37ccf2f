"""Compiling kernels ahead of their first use: how many are not kept yet, and all of them at once.

Packages beside this one that have kernels of their own name the modules in the entry-point group
``eplb_variants.kernels``, so that theirs are compiled with ours.
"""

from __future__ import annotations

import ast
import importlib
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from eplb_variants.kernels.compiled import cache_folder

ENTRY_POINT_GROUP = "eplb_variants.kernels"
_HERE = Path(__file__).parent


def prepare(say: Callable[[str], object], *, others: bool = True) -> int:
    """Compile all kernels that are not kept yet and return how many these were.

    Args:
        say: told of it in a line before it begins; not called where there is nothing to do.
        others: whether the kernels of packages beside this one are compiled too.
    """
    number = needs_compiling(others=others)
    if number:
        kernels = "1 kernel" if number == 1 else f"{number} kernels"
        kept = "they are kept for later" if cache_folder() else "they cannot be kept: set NUMBA_CACHE_DIR to a folder"
        say(f"compiling {kernels}, which usually takes 10 to 40 seconds; {kept}")
        import_all(others=others)
    return number


def needs_compiling(*, others: bool = True) -> int:
    """Return how many kernels would be compiled now; no kernel is imported to find out."""
    folder = cache_folder()
    kept = set() if folder is None else {path.name for path in folder.glob("*/*.nbi")}
    tag = f"py{sys.version_info.major}{sys.version_info.minor}"
    return sum(f"{name}.{tag}.nbi" not in kept for path in _files(others) for name in _kernels_in(path))


def import_all(*, others: bool = True) -> None:
    """Import all modules that hold kernels, which compiles those that are not kept."""
    for path in sorted(_HERE.glob("*.py")):
        if path.stem not in ("__init__", "__main__"):
            importlib.import_module(f"eplb_variants.kernels.{path.stem}")
    for entry in entry_points(group=ENTRY_POINT_GROUP) if others else ():
        try:
            entry.load()
        except Exception as error:  # a stranger's broken package must not take ours down
            warnings.warn(f"the kernels of {entry.value!r} were left out: {error}", RuntimeWarning, stacklevel=2)


def _files(others: bool) -> Iterator[Path]:
    """Yield the files that may hold kernels."""
    yield from sorted(_HERE.glob("*.py"))
    for entry in entry_points(group=ENTRY_POINT_GROUP) if others else ():
        try:
            spec = find_spec(entry.module)
        except Exception:  # said by whoever imports it
            continue
        if spec is not None and spec.origin is not None:
            yield Path(spec.origin)


def _kernels_in(path: Path) -> Iterator[str]:
    """Yield what Numba calls the files of a module's kernels, without their ending.

    They are functions with the decorator, and what it is called with: ``name = kernel(...)(function)``.
    """
    imported_from: dict[str, str] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            imported_from |= {name.asname or name.name: node.module for name in node.names}
        if isinstance(node, ast.FunctionDef):
            yield from (f"{path.stem}.{node.name}-{each.lineno}" for each in node.decorator_list if _is_kernel(each))
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _is_kernel(node.value.func):
            (function,) = (ast.unparse(each) for each in node.value.args)
            yield from _named_after(function, imported_from[function])


def _is_kernel(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "kernel"


def _named_after(function: str, module: str) -> Iterator[str]:
    """Yield what Numba calls the file of a kernel that is a plain function of another module."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return
    path = Path(spec.origin)
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            yield f"{path.stem}.{function}-{node.lineno}"
