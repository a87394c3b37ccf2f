"""A timing as columns of the results."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from evaluator.timing.callers import Callers
from evaluator.timing.rounds import Timing
from evaluator.timing.settings import TimingSettings


def timing_columns(
    timing: Timing,
    settings: TimingSettings,
    reference: str,
    timing_key: str,
    callers: Callers | None = None,
    peak_mib: float = float("nan"),
) -> dict[str, Any]:
    """Return the columns of a result that say how long a placement takes, and how much memory.

    Args:
        timing: of the rounds.
        settings: of the rounds.
        reference: that stood beside it.
        timing_key: of these settings and of what stood beside it.
        callers: what callers pay, where they were timed too.
        peak_mib: memory of a call; NaN where it is not known.
    """
    asked = callers or Callers(*[float("nan")] * len(Callers._fields))
    quartiles = np.quantile(timing.wall, [0.25, 0.75])
    return {
        "place_seconds": float(np.median(timing.wall)),
        "place_seconds_min": float(timing.wall.min()),
        "place_seconds_iqr": float(quartiles[1] - quartiles[0]),
        "place_cpu_seconds": _number(np.median(timing.cpu)),
        "first_place_seconds": timing.first,
        **{f"place_{name}_seconds": _number(value) for name, value in asked._asdict().items()},
        "place_peak_mib": _number(peak_mib),
        "time_reference": reference,
        "time_ratio": timing.ratio.value,
        "time_ratio_low": timing.ratio.low,
        "time_ratio_high": timing.ratio.high,
        "timing_rounds": timing.ratio.num,
        "timing_disturbed": timing.disturbed,
        "timing_has_core": timing.has_core,
        "timing_wall_over_cpu": _number(np.median(timing.wall / np.maximum(timing.cpu, 1e-9))),
        "timing_valid": timing.valid,
        "timing_config": json.dumps(asdict(settings), sort_keys=True),
        "timing_key": timing_key,
    }


def _number(value: float) -> float | None:
    """Return a number; None for NaN, where no CPU time is known."""
    return None if np.isnan(value) else float(value)
