"""What each level of a factor does, and each pair of levels beyond that: paired contrasts within windows.

Shapes: B blocks (windows of traces), S settings, F factors, R settings of the other factors, C contrasts.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from eplb_variants.errors import unknown
from eplb_variants.loads import FloatArray, IntArray
from evaluator.analysis.ablation.factors import Design, Factor
from evaluator.analysis.alignment import LOAD
from evaluator.analysis.columns import LOG_TIME_RATIO, METRICS, Metric
from evaluator.analysis.paired import corrected, judged, verdict_on
from evaluator.analysis.statistics import UNSURE, Estimate
from evaluator.analysis.times import why_not_averaged

EFFECTS_ON = {
    name: METRICS[name]
    for name in (
        "balancedness_gpu_next",
        "balancedness_gpu_own",
        "moved_slots",
        "colocated_replicas",
        "group_locality",
    )
} | {LOG_TIME_RATIO.name: LOG_TIME_RATIO}
"""The metrics that effects are measured on, by name."""
BLOCK = [*LOAD, "seed", "window"]
"""What identifies a window: settings are paired on it, whatever the topology."""
ROUNDING = 1e-12
"""A contrast below this is a difference between sums in another order."""


@dataclass(frozen=True)
class Effect:
    """A main effect (one factor) or an interaction (two).

    Attributes:
        metric: the column that it is on.
        factors: names of one or two factors.
        levels: the level of each that is judged.
        references: the level of each that it is judged against.
        estimate: mean over blocks, with its interval and its p-value; logarithms for ``log_time_ratio``.
        p_holm: its p-value, corrected for all effects on this metric; NaN where there is too little to say.
        blocks: windows, at one setting of the other factors each, that had all levels and count.
        left_out: such windows of which some levels are missing.
        verdict: what may be said.
    """

    metric: str
    factors: tuple[str, ...]
    levels: tuple[Any, ...]
    references: tuple[Any, ...]
    estimate: Estimate
    p_holm: float
    blocks: int
    left_out: int
    verdict: str = UNSURE

    @property
    def df(self) -> float:
        """Degrees of freedom that the p-value rests on."""
        return max(self.estimate.units - 1, 0.0)


class Contrasts(NamedTuple):
    """Differences of levels to the reference, within blocks."""

    value: FloatArray
    """``[B, C]``; NaN where no setting of the other factors has all levels."""
    blocks: int
    left_out: int


def measure_effects(good: pd.DataFrame, design: Design, names: Sequence[str] = ()) -> list[Effect]:
    """Return main effects, then interactions, on each metric that was measured.

    Args:
        good: rows by window of the cells that were measured.
        design: their factors.
        names: of ``EFFECTS_ON``; all where none is named.

    A main effect is the mean over windows of what a level has more than the reference level on the same window, at
    the same setting of the other factors, averaged over those settings that have all levels on that window. An
    interaction is how much larger that is at a level of a second factor than at the second's reference. Times are one
    ratio a trace: their block is the trace.

    Raises:
        EplbError: there is no such metric.
    """
    for name in names:
        if name not in EFFECTS_ON:
            raise unknown("metric", name, EFFECTS_ON)
    chosen = [EFFECTS_ON[name] for name in names] or list(EFFECTS_ON.values())
    return [effect for metric in chosen for effect in _on_metric(good, design, metric)]


def contrasts(value_BS: FloatArray, code_SF: IntArray, which: Sequence[int]) -> Contrasts:
    """Return the differences of the levels of one factor, or of the differences of two, to the reference level.

    Args:
        value_BS: what was measured in each block at each setting; NaN where it was not.
        code_SF: the level of each factor in each setting, 0 for the reference.
        which: columns of ``code_SF``. Contrasts stand in the order of their levels, the last factor's fastest.
    """
    num_levels = [int(code_SF[:, f].max()) + 1 for f in which]
    setting_RK = _settings(code_SF, which, num_levels)
    padded_BS = np.column_stack([value_BS, np.full(len(value_BS), np.nan)])
    value_BRK = padded_BS[:, setting_RK]
    level_axes = tuple(range(2, value_BRK.ndim))
    complete_BR = ~np.isnan(value_BRK).any(axis=level_axes)
    some_BR = ~np.isnan(value_BRK).all(axis=level_axes)
    for axis in level_axes:
        levels = np.arange(value_BRK.shape[axis])
        value_BRK = value_BRK.take(levels[1:], axis) - value_BRK.take(levels[:1], axis)
    value_BRC = value_BRK.reshape(*complete_BR.shape, -1)
    sum_BC = np.where(complete_BR[:, :, None], value_BRC, 0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        value_BC = sum_BC / complete_BR.sum(axis=1)[:, None]
    value_BC[np.abs(value_BC) < ROUNDING] = 0
    return Contrasts(value_BC, int(complete_BR.sum()), int((some_BR & ~complete_BR).sum()))


def _settings(code_SF: IntArray, which: Sequence[int], num_levels: Sequence[int]) -> IntArray:
    """Return by setting of the other factors the settings at each level of these; -1 where none was measured."""
    rest_SF = np.delete(code_SF, list(which), axis=1)
    _, rest_S = np.unique(rest_SF, axis=0, return_inverse=True)
    rest_S = np.zeros(len(code_SF), dtype=np.int64) if rest_SF.shape[1] == 0 else rest_S.ravel()
    setting_RK = np.full((rest_S.max() + 1, *num_levels), -1)
    setting_RK[rest_S, *(code_SF[:, f] for f in which)] = np.arange(len(code_SF))
    return setting_RK


def _on_metric(good: pd.DataFrame, design: Design, metric: Metric) -> list[Effect]:
    rows = _rows(good.assign(setting=design.setting), metric.name)
    if rows.empty:
        return []
    table = rows.pivot_table(index=BLOCK, columns="setting", values="value", aggfunc="mean")
    table = table.reindex(columns=range(len(design.code)))
    numbers = range(len(design.factors))
    effects: list[Effect] = []
    for which in [*itertools.combinations(numbers, 1), *itertools.combinations(numbers, 2)]:
        found = contrasts(table.to_numpy(), design.code, which)
        series = _by_stratum(found.value, table.index.to_frame(index=False))
        effects += _effects(metric, [design.factors[f] for f in which], series, found.blocks, found.left_out)
    return _corrected(effects, metric)


def _rows(good: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the rows at which a metric was measured, with it as ``value``; of times one row a cell."""
    if name != LOG_TIME_RATIO.name:
        return good.assign(value=good[name]).dropna(subset="value")
    cells = good.drop_duplicates("cell").dropna(subset=["time_ratio"])
    if why_not_averaged(cells) is not None:
        return cells.iloc[:0].assign(value=0.0)
    return cells.assign(value=np.log(cells["time_ratio"].to_numpy(dtype=float)), window=0)


def _by_stratum(value_BC: FloatArray, blocks: pd.DataFrame) -> list[list[FloatArray]]:
    """Return the contrasts by stratum and trace, ``[windows, C]`` each."""
    strata = [part.groupby("seed", sort=True) for _, part in blocks.groupby(LOAD, sort=True)]
    return [[value_BC[trace.index] for _, trace in stratum] for stratum in strata]


def _effects(
    metric: Metric, factors: Sequence[Factor], series: list[list[FloatArray]], blocks: int, left_out: int
) -> list[Effect]:
    effects = []
    for number, levels in enumerate(itertools.product(*(factor.levels[1:] for factor in factors))):
        own = [[trace[:, number] for trace in stratum] for stratum in series]
        found = judged(own, metric)
        effects.append(
            Effect(
                metric=metric.name,
                factors=tuple(factor.name for factor in factors),
                levels=levels,
                references=tuple(factor.levels[0] for factor in factors),
                estimate=found.difference,
                p_holm=float("nan"),
                blocks=blocks,
                left_out=left_out,
            )
        )
    return effects


def _corrected(effects: list[Effect], metric: Metric) -> list[Effect]:
    """Return the effects on one metric with p-values corrected for each other, and verdicts that respect them."""
    p_values = corrected([effect.estimate.p for effect in effects])
    return [
        replace(effect, p_holm=p, verdict=verdict_on(effect.estimate, metric, p))
        for effect, p in zip(effects, p_values, strict=True)
    ]
