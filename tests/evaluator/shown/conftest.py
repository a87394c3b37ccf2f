"""What the tests of tables and of plots share."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from rich.console import Console

from evaluator.sweep import run as sweep
from evaluator.sweep.plan import make_plan


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


@pytest.fixture(scope="session")
def frame(tmp_path_factory):
    """A small run of three variants on two workloads, timed."""
    folder = tmp_path_factory.mktemp("runs")
    small = ["workload.num_layers=3", "workload.windows=6", "timing.rounds=3", "timing.min_rounds=3"]
    overrides = [*small, f"runs_dir={folder}", "variant=seed,contiguous", "workload=dsr1_decode,uniform"]
    return pd.read_parquet(sweep.run(make_plan(overrides, multirun=True)).folder)
