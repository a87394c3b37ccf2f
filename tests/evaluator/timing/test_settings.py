"""Settings out of range are refused by name."""

from __future__ import annotations

import pytest

from eplb_variants import EplbError
from evaluator.timing.settings import TimingSettings


@pytest.mark.parametrize(
    "bad",
    [
        {"rounds": 2},
        {"min_rounds": 1},
        {"threads": 0},
        {"repeats": 0},
        {"seconds": -1.0},
        {"wait_seconds": -1.0},
        {"sample_seconds": -1.0},
    ],
)
def test_settings_out_of_range_are_refused(bad):
    with pytest.raises(EplbError, match=f"timing.{next(iter(bad))}"):
        TimingSettings(**bad)


@pytest.mark.parametrize(
    ("seconds", "repeats"), [(1e-6, 100), (0.001, 20), (0.008, 5), (0.08, 4), (0.2, 1), (9.0, 1), (1e-9, 100)]
)
def test_how_often_a_round_calls_follows_from_how_long_it_takes(seconds, repeats):
    """A sample of 20 ms, at least five calls, at most a hundred; fewer where six rounds would exceed two seconds."""
    assert TimingSettings().repeats_of(seconds) == repeats
