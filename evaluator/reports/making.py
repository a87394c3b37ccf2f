"""From run folders to a page in a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from evaluator.analysis.comparison import comparison_of
from evaluator.analysis.dispatched import EVEN, under
from evaluator.analysis.score import Score
from evaluator.files import own_path
from evaluator.reports.data import choose_reference, report_data
from evaluator.reports.page import render, write
from evaluator.results.schema import OK
from evaluator.results.store import read_runs

DEFAULT_NAME = "_report.html"


class Made(NamedTuple):
    """A page that was written."""

    path: Path
    failures: int
    """Cells that failed or were skipped; the page says why."""


def make_report(
    runs: Sequence[str | Path],
    score: Score,
    reference: str | None = None,
    out: str | Path | None = None,
    dispatch: str = EVEN,
) -> Made:
    """Write one HTML page about run folders.

    Args:
        runs: folders, such as ``runs/default``.
        score: that the tables show.
        reference: variant that differences are to; ``deepseek``, or what the runs were timed beside.
        out: the page; ``DEFAULT_NAME`` in the first run where none is named.
        dispatch: how tokens are split over replicas, ``even``, ``flow`` or ``near``.

    Raises:
        EplbError: nothing was measured, the reference was not, or the page cannot be written.
    """
    frame = under(read_runs(runs), dispatch)
    comparison = comparison_of(frame[frame["status"] == OK], reference or choose_reference(frame), score)
    data = report_data(comparison, frame, [str(run) for run in runs])
    path = Path(out) if out is not None else own_path(Path(runs[0]), DEFAULT_NAME)
    write(render(data), path)
    return Made(path, len(data["failures"]))
