"""What callers pay is timed as they pay it; nothing here depends on how long anything takes."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import Topology, load_variant
from evaluator.timing import alone, callers
from evaluator.timing.callers import COLD_BYTES, Callers, time_callers
from evaluator.timing.columns import timing_columns
from evaluator.timing.prepare import chosen_windows, ready
from evaluator.timing.rounds import Timing, median_ratio
from evaluator.timing.settings import TimingSettings
from evaluator.workloads.synthetic import Synthetic

TOPOLOGY = Topology(24, 4, 2, 4)
SETTINGS = TimingSettings(rounds=3, min_rounds=3, repeats=1, sample_seconds=0.0)


@pytest.fixture
def windows():
    return Synthetic(num_layers=2, num_experts=16, top_k=2, tokens=1000, windows=6).make(0).windows(1)


def test_each_way_of_calling_has_a_time_of_its_own(monkeypatch, tmp_path, windows):
    monkeypatch.setattr(alone, "LOCK", str(tmp_path / "lock"))
    kinds = []

    class Spy:
        name, summary, windows = "spy", "", 1

        def place(self, load, topology, previous=None):
            kinds.append(type(load).__name__)
            return load_variant("deepseek").place(np.asarray(load).reshape(-1, *load.shape[-2:]), topology, previous)

    found = time_callers(Spy(), windows, TOPOLOGY, SETTINGS)
    assert found._fields == ("maps", "torch", "cold")
    assert all(np.isnan(seconds) or seconds > 0 for seconds in found)
    assert {"Tensor", "ndarray"} <= set(kinds)


def test_maps_are_made_and_tensors_come_back(windows):
    variant = load_variant("deepseek")
    plain = ready(variant, windows, TOPOLOGY)
    logcnt, log2phy = callers._with_maps(plain)(0)()
    expected = plain(0)()
    np.testing.assert_array_equal(logcnt, expected.logcnt)
    np.testing.assert_array_equal(log2phy, expected.log2phy)
    through = callers._through_torch(variant, windows, TOPOLOGY)
    assert through is not None
    phy2log, log2phy, logcnt = through(1)()
    window = windows[chosen_windows(len(windows))[1]]
    np.testing.assert_array_equal(phy2log.numpy(), variant.place(window.astype(np.float32), TOPOLOGY).phy2log)
    assert logcnt.shape == (2, 16)
    assert log2phy.shape[:2] == (2, 16)


def test_caches_are_filled_with_other_data_before_a_cold_call(windows, monkeypatch):
    written = []
    monkeypatch.setattr(callers.np, "add", lambda array, *_, out: written.append(out.nbytes))
    prepare = callers._cold(ready(load_variant("deepseek"), windows, TOPOLOGY))
    call = prepare(0)
    assert written == [COLD_BYTES]
    call()
    assert written == [COLD_BYTES], "outside the clock"


def test_what_was_not_asked_for_is_no_number():
    ones = np.ones(5)
    timing = Timing(ones, ones, 1.0, median_ratio(ones, ones), True)
    names = ("place_maps_seconds", "place_torch_seconds", "place_cold_seconds")
    made = timing_columns(timing, SETTINGS, "deepseek", "key")
    assert [made[name] for name in names] == [None] * 3
    made = timing_columns(timing, SETTINGS, "deepseek", "key", Callers(2.0, float("nan"), 3.0))
    assert [made[name] for name in names] == [2.0, None, 3.0]
