"""Which tables a comparison is shown in, on a terminal and in LaTeX alike."""

from __future__ import annotations

import pandas as pd

from evaluator.analysis.comparison import Comparison
from evaluator.shown.grid import Grid, notes_once
from evaluator.shown.matrix import matrix_grid
from evaluator.shown.tables import aggregate_grid, summary_grid, view_grid

MOST_TABLES = 4
"""Workloads with a table each on a terminal; more are shown as a matrix."""


LATEX_WIDTH = 110
"""Characters of a table in LaTeX: what a page holds in small type; less important columns are left out."""
MARKDOWN_WIDTH = 200
"""Characters of a table in Markdown, which pages scroll."""


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
        return [grid.fit(width) for grid in _of_view(comparison, by, view)]
    grids = [summary_grid(part.summary, comparison.reference, part.title, score) for part in comparison.tables]
    return [grid.fit(width) for grid in [*grids, *_aggregates(comparison)]]


def terminal_grids(
    comparison: Comparison, score: str, width: int, by: str | None = None, view: pd.DataFrame | None = None
) -> list[Grid]:
    """Return the tables for a terminal: as ``grids_of``, but many workloads as one matrix, and each note once."""
    if by is not None or len(comparison.parts) <= MOST_TABLES:
        return notes_once(grids_of(comparison, score, width, by, view))
    overall = comparison.overall
    summary = summary_grid(overall.summary, comparison.reference, overall.title, score)
    return notes_once([matrix_grid(comparison, width), summary.fit(width), *_aggregates(comparison, width)])


def _aggregates(comparison: Comparison, width: int | None = None) -> list[Grid]:
    if comparison.aggregates is None:
        return []
    grid = aggregate_grid(comparison.aggregates, comparison.reference, f"across {comparison.overall.title}")
    return [grid if width is None else grid.fit(width)]


def _of_view(comparison: Comparison, by: str, view: pd.DataFrame) -> list[Grid]:
    order = [str(name) for name in comparison.overall.summary["variant"]]
    return [
        view_grid(rows.drop(columns="load"), by, comparison.reference, str(load), order)
        for load, rows in view.groupby("load", sort=False)
    ]
