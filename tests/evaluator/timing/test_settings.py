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
        {"seconds": -1.0},
        {"wait_seconds": -1.0},
        {"sample_seconds": -1.0},
    ],
)
def test_settings_out_of_range_are_refused(bad):
    with pytest.raises(EplbError, match=f"timing.{next(iter(bad))}"):
        TimingSettings(**bad)
