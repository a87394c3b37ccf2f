"""Which tables a comparison is shown in, on a terminal and in LaTeX alike."""

from __future__ import annotations

import pandas as pd

from evaluator.analysis.comparison import Comparison
from evaluator.shown.grid import Grid
from evaluator.shown.tables import aggregate_grid, summary_grid, view_grid


def grids_of(
    comparison: Comparison, score: str, width: int, by: str | None = None, view: pd.DataFrame | None = None
) -> list[Grid]:
    """Return a table per workload; of summaries where there are several also one over all and one of the aggregates.

    Args:
        comparison: what was found.
        score: name of the score in the summaries.
        width: characters that a table may take; less important columns are left out.
        by: of the view, where tables of one are wanted in place of summaries.
        view: its rows, as ``view_frame`` returns them.
    """
    if by is not None and view is not None:
        return _of_view(comparison, by, view, width)
    grids = [summary_grid(part.summary, comparison.reference, part.title, width, score) for part in comparison.tables]
    if comparison.aggregates is not None:
        grids.append(aggregate_grid(comparison.aggregates, comparison.reference, f"across {comparison.overall.title}"))
    return grids


def _of_view(comparison: Comparison, by: str, view: pd.DataFrame, width: int) -> list[Grid]:
    order = [str(name) for name in comparison.overall.summary["variant"]]
    return [
        view_grid(rows.drop(columns="load"), by, comparison.reference, str(load), order, width)
        for load, rows in view.groupby("load", sort=False)
    ]
