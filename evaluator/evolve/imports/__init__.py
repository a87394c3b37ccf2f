"""What evolution engines leave behind: each layout is read by one file, JSON, SQLite and text, never pickle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from eplb_variants.errors import EplbError, unknown
from evaluator.evolve.imports import gepa, openevolve, pairs, record, shinka
from evaluator.evolve.imports.left import Folder, Left

__all__ = ["LAYOUTS", "Left", "read_left"]

Layout = Callable[[Folder], "list[Left] | None"]

LAYOUTS: dict[str, Layout] = {
    "openevolve": openevolve.openevolve,
    "skydiscover": openevolve.skydiscover,
    "shinka": shinka.read,
    "gepa": gepa.read,
    "study": record.read,
    "pairs": pairs.read,
}
"""By the names that the command line knows them. Each returns what it finds, None where a folder has another layout."""
INSIDE = ("", "output", "results")
"""Where what an engine wrote may be in the folder that is named."""


def read_left(folder: str | Path, layout: str | None = None) -> tuple[str, list[Left], list[str]]:
    """Return the layout of a folder, the programs and documents in it in their order, and what is missing, in words.

    Args:
        folder: of an engine's run, or one that has it as ``output`` or ``results``.
        layout: one of ``LAYOUTS``; the first that fits if None.

    Raises:
        EplbError: there is no such folder or layout, it has none of the layouts, or nothing in it can be read.
    """
    if layout is not None and layout not in LAYOUTS:
        raise unknown("layout", layout, LAYOUTS)
    if not Path(folder).is_dir():
        raise EplbError(f"there is no folder {str(folder)!r}")
    for name, read in LAYOUTS.items() if layout is None else [(layout, LAYOUTS[layout])]:
        for inside in INSIDE:
            here = Folder(Path(folder) / inside)
            found = read(here) if here.path.is_dir() else None
            if found is None:
                continue
            if not found:
                why = f": {here.missing[0]}" if here.missing else ""
                raise EplbError(f"{str(here.path)!r} has the layout of {name}, but no program that can be read{why}")
            return name, found, here.missing
    names = ", ".join(LAYOUTS) if layout is None else layout
    raise EplbError(f"{str(folder)!r} has no layout that is known: {names}")
