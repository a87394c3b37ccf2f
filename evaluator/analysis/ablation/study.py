"""From the rows of runs to the effects of what varies in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from eplb_variants.errors import EplbError
from evaluator.analysis.ablation.effects import Effect, measure_effects
from evaluator.analysis.ablation.factors import Design, find_design
from evaluator.analysis.pooling import ordinary_rows
from evaluator.analysis.times import why_not_averaged
from evaluator.results.schema import OK


class Study(NamedTuple):
    """What varies in some runs, and what it does."""

    good: pd.DataFrame
    """Rows by window of the cells that were measured, and count."""
    design: Design
    effects: list[Effect]
    times_left_out: str | None
    """In what the times of its cells differ, so that they have no mean; None where they have one."""
    set_aside: tuple[str, ...]
    """Names of pathological workloads, which are not pooled with the others."""


def study_of(frame: pd.DataFrame, reference: str | None = None, metrics: Sequence[str] = ()) -> Study:
    """Return the factors of some runs and their effects.

    Args:
        frame: rows by window, as ``read_runs`` returns them; failed and skipped cells are left out.
        reference: variant whose levels come first.
        metrics: those that effects are on; all where none is named.

    Raises:
        EplbError: nothing was measured, nothing varies that can be paired, or there is no such metric or variant.
    """
    measured = frame[frame["status"] == OK]
    if measured.empty:
        raise EplbError("no cell of these runs was measured")
    good = ordinary_rows(measured)
    set_aside = tuple(sorted(set(measured["workload"]) - set(good["workload"])))
    design = find_design(good, reference)
    effects = measure_effects(good, design, metrics)
    times_left_out = why_not_averaged(good.drop_duplicates("cell").dropna(subset=["time_ratio"]))
    if not effects and times_left_out is not None:
        raise EplbError(f"times are left out, because they were taken {times_left_out}, and such ratios have no mean")
    if not effects:
        raise EplbError(f"{', '.join(metrics)} was not measured in these runs")
    return Study(good, design, effects, times_left_out, set_aside)
