"""What the tests of tables share."""

from __future__ import annotations

import io

import pytest
from rich.console import Console


@pytest.fixture
def printed():
    """Return a function that gives what a terminal of some width shows."""

    def of(grid, width, *, colours=False, encoding="utf-8"):
        file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        system = "standard" if colours else None
        console = Console(width=width, file=file, soft_wrap=True, highlight=False, color_system=system)
        console.print(grid)
        file.seek(0)
        return file.read()

    return of
