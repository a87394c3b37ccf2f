"""Verdicts as a matrix, workload by variant: what many workloads say is seen at once."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from evaluator.analysis.comparison import Comparison
from evaluator.shown.grid import Grid
from evaluator.shown.words import MARKS, MARKS_MEAN, MISSING, number, shortened

WORKLOAD, VARIANT = "workload", "variant"


def matrix_grid(comparison: Comparison, width: int) -> Grid:
    """Return the difference to the reference and the mark of its verdict, for every workload and every other variant.

    Args:
        comparison: of several workloads.
        width: workloads are the rows unless fewer cells would fit then.
    """
    names = [str(name) for name in comparison.overall.summary["variant"] if name != comparison.reference]
    titles, shared = shortened([part.title for part in comparison.parts])
    cells = [_cells(part.summary, names) for part in comparison.parts]
    across = list(zip(*cells, strict=True))
    caption = "\n".join(
        [
            f"difference in balancedness of GPUs to {comparison.reference} on the same windows, and its verdict: "
            f"{MARKS_MEAN}",
            "each workload in full, with intervals and times: --csv FILE, or eplb report",
        ]
    )
    title = f"workload by workload{f' (each {shared})' if shared else ''}"
    by_workload = _grid(title, WORKLOAD, titles, names, cells, caption).fit(width)
    by_variant = _grid(title, VARIANT, names, titles, across, caption).fit(width)
    return by_workload if _shown(by_workload) >= _shown(by_variant) else by_variant


def _grid(
    title: str, kind: str, labels: Sequence[str], header: Sequence[str], cells: Sequence[Sequence[str]], caption: str
) -> Grid:
    rows = [[label, *texts] for label, texts in zip(labels, cells, strict=True)]
    return Grid(title, [kind, *header], rows, frozenset({kind}), caption, range(len(header) + 1))


def _shown(grid: Grid) -> int:
    return len(grid.rows) * (len(grid.header) - 1)


def _cells(summary: pd.DataFrame, names: Sequence[str]) -> list[str]:
    found = {str(row["variant"]): row for _, row in summary.iterrows()}
    return [_cell(found[name]) if name in found else MISSING for name in names]


def _cell(row: pd.Series) -> str:
    return f"{number(row['difference'], '+.4f')} {MARKS.get(row['verdict'], '')}".strip()
