"""A whole ablation: the factors of some runs, their effects, and how much of a load these rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from eplb_variants.errors import EplbError
from evaluator.analysis.ablation.effects import Effect, measure_effects
from evaluator.analysis.ablation.factors import Design, find_design
from evaluator.analysis.alignment import LOAD
from evaluator.analysis.times import why_not_averaged
from evaluator.results.schema import OK


class Extent(NamedTuple):
    """How much of a load effects rest on."""

    traces: int
    strata: int

    @property
    def over(self) -> str:
        """Return what an interval is over, in words."""
        if self.traces > self.strata:
            return f"over {self.traces} traces and their windows"
        return (
            "over the windows of this one trace" if self.traces == 1 else f"over windows of these {self.traces} traces"
        )

    @property
    def unit(self) -> str:
        """Return what a p-value counts as independent, in words."""
        if self.traces > self.strata:
            return "means of traces"
        return "blocks of consecutive windows, and too small where windows stay alike for longer than a block"


@dataclass(frozen=True)
class Study:
    """What an ablation found.

    Attributes:
        design: the factors, and which setting each row was measured at.
        effects: main effects, then interactions, on each metric.
        extent: what intervals and p-values rest on.
        time_notes: why times are left out, or how far they can be trusted, a sentence each.
    """

    design: Design
    effects: Sequence[Effect]
    extent: Extent
    time_notes: Sequence[str]


def study_of(frame: pd.DataFrame, reference: str | None = None, names: Sequence[str] = ()) -> Study:
    """Return the effects of what varies within some runs.

    Args:
        frame: rows by window, as ``read_runs`` returns them; failed and skipped cells are left out.
        reference: variant whose levels come first; see ``find_design``.
        names: metrics that effects are on; all where none is named.

    Raises:
        EplbError: nothing was measured, nothing varies that can be paired, or there is no such metric or variant.
    """
    runs = ", ".join(map(str, frame["run"].unique()))
    good = frame[frame["status"] == OK]
    if good.empty:
        raise EplbError(f"no cell of {runs} was measured")
    design = find_design(good, reference)
    effects = measure_effects(good, design, names)
    if not effects:
        raise EplbError(f"{', '.join(names)} was not measured in {runs}")
    return Study(design, effects, extent_of(good), _time_notes(good))


def extent_of(good: pd.DataFrame) -> Extent:
    """Return the numbers of traces and of workloads that rows by window are of."""
    return Extent(len(good[[*LOAD, "seed"]].drop_duplicates()), len(good[LOAD].drop_duplicates()))


def _time_notes(good: pd.DataFrame) -> list[str]:
    timed = good.drop_duplicates("cell").dropna(subset=["time_ratio"])
    reason = why_not_averaged(timed)
    if reason is not None:
        return [f"times are left out, for they were taken {reason}, and such ratios have no mean"]
    crowded = int((timed["timing_valid"] == False).sum())  # noqa: E712 (a column that may hold nulls)
    return [f"{crowded} of {len(timed)} times were not taken alone on the machine"] if crowded else []
