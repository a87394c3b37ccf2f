"""A timing becomes columns of the results, all of them."""

from __future__ import annotations

import numpy as np
import pytest

from evaluator.analysis.statistics import Estimate
from evaluator.results.schema import TIMING_NAMES
from evaluator.timing.columns import timing_columns
from evaluator.timing.rounds import Timing
from evaluator.timing.settings import TimingSettings


def test_every_column_of_a_timing_is_there_with_its_meaning():
    wall, cpu = np.array([4.0, 2.0, 3.0, 1.0, 5.0]), np.array([1.0, 1.0, 9.0, 2.0, 2.0])
    timing = Timing(wall, cpu, first=7.0, ratio=Estimate(1.5, 1.4, 1.6, 5), valid=True, disturbed=3, has_core=False)
    made = timing_columns(timing, TimingSettings(), "deepseek", "key", peak_mib=1.5)
    assert set(made) == set(TIMING_NAMES)
    assert made["place_seconds"] == 3.0
    assert made["place_seconds_min"] == 1.0
    assert made["place_seconds_iqr"] == pytest.approx(2.0)
    assert made["place_cpu_seconds"] == 2.0
    assert made["first_place_seconds"] == 7.0
    assert made["place_peak_mib"] == 1.5
    assert [made[f"time_ratio{end}"] for end in ("", "_low", "_high")] == [1.5, 1.4, 1.6]
    assert (made["timing_rounds"], made["time_reference"], made["timing_key"]) == (5, "deepseek", "key")
    assert (made["timing_disturbed"], made["timing_has_core"], made["timing_valid"]) == (3, False, True)
    assert made["timing_wall_over_cpu"] == 2.0


def test_where_no_cpu_time_is_known_there_is_none():
    timing = Timing(np.ones(3), np.full(3, np.nan), first=1.0, ratio=Estimate(1.0, 1.0, 1.0, 3), valid=True)
    made = timing_columns(timing, TimingSettings(), "deepseek", "key")
    assert made["place_cpu_seconds"] is None
    assert made["place_peak_mib"] is None
    assert made["timing_wall_over_cpu"] is None
