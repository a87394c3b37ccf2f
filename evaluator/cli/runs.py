"""``eplb runs``: what was measured, a line for each run."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evaluator.results.overview import RunOverview
    from evaluator.shown.grid import Grid

FOLDER = "runs"
HEADER = ("run", "cells", "failed", "skipped", "timed", "variants", "workloads", "last measured", "size")
IMPORTANCE = (0, 0, 1, 4, 5, 3, 3, 1, 2)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "folder", nargs="?", default=FOLDER, metavar="FOLDER", help="of runs, or one run; runs/ where none is named"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")


def run(options: argparse.Namespace) -> int:
    """Print what is there and return 0."""
    from pathlib import Path

    from evaluator.cli.terminal import console, own_command
    from evaluator.results.overview import overview

    runs = overview(options.folder) if options.folder != FOLDER or Path(FOLDER).is_dir() else []
    if options.json:
        document = {"schema_version": 1, "folder": options.folder, "runs": [_document(run) for run in runs]}
        print(json.dumps(document, indent=2))
    elif not runs:
        print(f"there are no runs in {options.folder!r}")
        print(f"next: {own_command()} evaluate variant=seed")
    else:
        console().print(_table(runs, options.folder))
        newest = max(runs, key=lambda run: run.last_measured.timestamp() if run.last_measured else 0.0)
        print(f"next: {own_command()} compare {newest.folder}")
    return 0


def _table(runs: list[RunOverview], folder: str) -> Grid:
    from evaluator.results.schema import FAILED, SKIPPED
    from evaluator.shown.grid import Grid

    def row(run: RunOverview) -> list[str]:
        counts = (sum(run.cells.values()), run.cells.get(FAILED, 0), run.cells.get(SKIPPED, 0), run.timed)
        when = run.last_measured.astimezone().strftime("%Y-%m-%d %H:%M") if run.last_measured else "-"
        kinds = (len(run.variants), len(run.workloads))
        name = run.folder.name if run.readable else f"{run.folder.name} *"
        return [name, *map(str, (*counts, *kinds)), when, _size(run.size)]

    caption = ""
    if not all(run.readable for run in runs):
        caption = "*: of another schema version, evaluate again into another run"
    rows = [row(run) for run in runs]
    return Grid(f"runs in {folder}", HEADER, rows, frozenset({"run"}), caption, IMPORTANCE, elsewhere="--json")


def _size(size: int) -> str:
    value, units = float(size), ["B", "KiB", "MiB", "GiB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{value:.0f} {units[0]}" if value >= 10 or units[0] == "B" else f"{value:.1f} {units[0]}"


def _document(run: RunOverview) -> dict[str, Any]:
    return {
        "run": run.folder.name,
        "folder": str(run.folder),
        "cells": run.cells,
        "timed": run.timed,
        "variants": run.variants,
        "workloads": run.workloads,
        "last_measured": run.last_measured.isoformat() if run.last_measured else None,
        "bytes": run.size,
        "readable": run.readable,
    }
