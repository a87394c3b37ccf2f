"""How effects are said: labels, values, what an interval is over; and the same as records for programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from evaluator.analysis.ablation.effects import EFFECTS_ON, Effect
from evaluator.analysis.ablation.factors import level_text
from evaluator.analysis.alignment import LOAD
from evaluator.analysis.columns import LOG_TIME_RATIO
from evaluator.shown.words import MISSING, interval, number, over


class Extent(NamedTuple):
    """How much of a load effects rest on."""

    traces: int
    strata: int

    @property
    def over(self) -> str:
        """Return what an interval is over, in words."""
        return over(self.traces, self.strata)

    @property
    def unit(self) -> str:
        """Return what a p-value counts as independent, in words."""
        if self.traces > self.strata:
            return "means of traces"
        return "blocks of consecutive windows, and too small where windows stay alike for longer than a block"


def extent_of(good: pd.DataFrame) -> Extent:
    """Return the numbers of traces and of workloads that rows by window are of."""
    return Extent(len(good[[*LOAD, "seed"]].drop_duplicates()), len(good[LOAD].drop_duplicates()))


def label(effect: Effect) -> str:
    """Return what an effect is of: ``fixup.moves 2 vs 0``, or ``fixup.moves 2 x gpu_packer.name greedy``."""
    parts = [f"{name} {level_text(level)}" for name, level in zip(effect.factors, effect.levels, strict=True)]
    return f"{parts[0]} vs {level_text(effect.references[0])}" if len(parts) == 1 else " x ".join(parts)


def title(metric: str) -> str:
    """Return what a metric is called in tables and plots, and which way is better."""
    better = "more" if EFFECTS_ON[metric].more_is_better else "less"
    name = LOG_TIME_RATIO.title if metric == LOG_TIME_RATIO.name else metric
    return f"{name} ({better} is better)"


def value_text(effect: Effect) -> str:
    """Return an effect with its interval: a difference, or of times a ratio."""
    value, low, high = effect.estimate[:3]
    if effect.metric == LOG_TIME_RATIO.name and not math.isnan(value):
        return f"x{interval(math.exp(value), math.exp(low), math.exp(high), '.3f')}"
    return interval(value, low, high, "+.4f")


def size_text(effects: Sequence[Effect]) -> str:
    """Return how far the furthest of some effects on one metric is from none at all, whichever way."""
    distance = max((abs(effect.estimate.value) for effect in effects if effect.estimate.num), default=math.nan)
    if math.isnan(distance):
        return MISSING
    is_time = effects[0].metric == LOG_TIME_RATIO.name
    return f"up to {'x' + number(math.exp(distance), '.3f') if is_time else number(distance)} either way"


def p_text(p: float) -> str:
    """Return a p-value as it is written."""
    return MISSING if math.isnan(p) else "<0.001" if p < 0.001 else f"{p:.3f}"


def record(effect: Effect) -> dict[str, Any]:
    """Return an effect as a flat record; what is not known is None."""
    value, low, high, num, _, p = effect.estimate
    numbers = {"effect": value, "low": low, "high": high, "p": p, "p_holm": effect.p_holm, "df": effect.df}
    return {
        "metric": effect.metric,
        "kind": "main" if len(effect.factors) == 1 else "interaction",
        "factor": " x ".join(effect.factors),
        "level": " x ".join(map(level_text, effect.levels)),
        "reference": " x ".join(map(level_text, effect.references)),
        **{name: None if math.isnan(number) else number for name, number in numbers.items()},
        "verdict": effect.verdict,
        "windows": num,
        "blocks": effect.blocks,
        "left_out": effect.left_out,
    }
