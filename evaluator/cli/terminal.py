"""How tables, and lines on what goes on, reach the terminal."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    import pandas as pd

NAME = "eplb"
WIDE = 200
"""Columns where the output is not a terminal: a file or a pipe must not cut the table."""


def say(line: str) -> None:
    """Print a line on what goes on, at once and beside the results."""
    print(f"eplb: {line}", file=sys.stderr, flush=True)


def console() -> Console:
    """Return a console for stdout: as wide as the terminal, or wide enough where there is none.

    What is too wide all the same is neither cut nor broken: tables leave out columns themselves.
    """
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE
    return Console(width=width, highlight=False, soft_wrap=True)


def own_command() -> str:
    """Return how the user can call this command again: by its name if it is on the path, else by its file."""
    started = Path(sys.argv[0])
    if started.name != NAME or not started.is_file():
        return NAME
    found = shutil.which(NAME)
    if found is not None and Path(found).resolve() == started.resolve():
        return NAME
    relative = os.path.relpath(started)
    return str(started) if relative.startswith(os.pardir) else relative


def say_failures(failed: pd.DataFrame) -> None:
    """Say on stderr which cells failed or were skipped, and why.

    Args:
        failed: the rows of these cells, as stored.
    """
    for _, row in failed.iterrows():
        where = f"{row['variant']} on {row['workload']}, {row['topology']}, seed {row['seed']}"
        print(f"eplb: {row['status']}: {where}: {row['reason']}", file=sys.stderr)
