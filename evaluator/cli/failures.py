"""Cells without numbers, said on stderr wherever rows are read."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def say_failures(failed: pd.DataFrame) -> None:
    """Say which cells failed or were skipped, and why.

    Args:
        failed: the rows of these cells, as stored.
    """
    for _, row in failed.iterrows():
        where = f"{row['variant']} on {row['workload']}, {row['topology']}, seed {row['seed']}"
        print(f"eplb: {row['status']}: {where}: {row['reason']}", file=sys.stderr)
