"""Orders of compositions agree on what is alike, and the benchmark says how far."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import EplbError
from evaluator.bench import transfer
from evaluator.bench.compositions import composed
from evaluator.bench.transfer import loads, measure_transfer
from evaluator.progress import Silent
from evaluator.workloads.synthetic import Synthetic

MADE = Synthetic(
    num_layers=10,
    num_experts=32,
    top_k=4,
    tokens=1000,
    windows=48,
    rho=1.0,
    requests=20,
    domains=2,
    domain_correlation=0.1,
    switch_every=24,
)


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "made.npz"
    np.savez(path, counts=MADE.make(0).counts, top_k=4)
    return str(path)


def test_a_recording_is_taken_whole_and_between_its_jumps(recording):
    found = list(loads(recording, "made", [2, 24]))
    assert [load.name for load in found] == ["made, whole, 2 steps", "made, within tasks, 2 steps"], "24 steps: too few"
    assert [part.shape for part in found[1].parts] == [(12, 10, 32), (12, 10, 32)]
    assert found[0].top_k == 4


def test_the_order_on_what_was_made_is_that_on_what_was_fitted(recording, monkeypatch):
    few = [composed(f, r) for f in ("last", "mean of 2", "mean of 4") for r in ("dhondt", "none")]
    monkeypatch.setattr(transfer, "compositions", lambda: few)
    lines = measure_transfer(Silent(), [recording], [2], ["quick"], 60)
    assert len(lines) == 2 * 2 * 2, "whole and within tasks, fitted and shipped, own and next"
    for line in lines:
        assert (line.met is None) == line.what.startswith("quick")
        assert -1 <= line.value <= 1
    agreed = {(line.size, line.what): line.value for line in lines}
    for how in ("whole", "within tasks"):
        assert agreed[f"made, {how}, 2 steps", "fitted to it, own"] >= 0.8, "six compositions"


def test_without_its_top_k_there_is_nothing_to_compare_with(tmp_path):
    np.savez(tmp_path / "load.npz", counts=MADE.make(0).counts)
    with pytest.raises(EplbError, match="does not say how many experts a token is routed to"):
        measure_transfer(Silent(), [str(tmp_path / "load.npz")], scenarios=[])


def test_the_order_on_the_recording_that_ships_is_that_on_what_was_fitted(monkeypatch):
    """Six compositions at a thousand tokens a window; eplb bench transfer has all, at more intervals."""
    some = [composed(f, r) for f in ("last", "mean of 2", "mean of 4") for r in ("dhondt", "none")]
    monkeypatch.setattr(transfer, "compositions", lambda: some)
    lines = measure_transfer(Silent(), ["byte_moe"], [16], [], 60)
    assert [line.size.partition(",")[0] for line in lines] == ["byte_moe"] * 4, "whole and within tasks, own and next"
    assert all(line.value >= 0.8 for line in lines), lines


@pytest.mark.extra
def test_the_order_on_a_real_recording_is_that_on_what_was_fitted(extra):
    """DeepSeek-V2-Lite within tasks, a thousand tokens a window: where shipped scenarios used to reverse the order."""
    path = extra("workloads/deepseek_v2_lite.npz")
    lines = [line for line in measure_transfer(Silent(), [str(path)], [16], []) if "within" in line.size]
    assert len(lines) == 2
    assert all(line.met for line in lines), lines
