"""How tables reach the terminal."""

from __future__ import annotations

import shutil
import sys

from rich.console import Console

WIDE = 200
"""Columns where the output is not a terminal: a file or a pipe must not cut the table."""


def console() -> Console:
    """Return a console for stdout: as wide as the terminal, or wide enough where there is none."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE
    return Console(width=width, highlight=False)
