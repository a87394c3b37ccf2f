from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evaluator.analysis.aggregate import (
    aggregate,
    comparable,
    interquartile_mean,
    optimality_gap,
    profile,
    thresholds_of,
)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_the_interquartile_mean_is_scipys(scores):
    assert interquartile_mean(np.array(scores)) == pytest.approx(stats.trim_mean(scores, 0.25), abs=1e-12)


def test_the_gap_is_what_is_lacking():
    assert optimality_gap(np.array([0.5, 0.9, 1.1])) == pytest.approx((0.5 + 0.1 + 0.0) / 3)


def test_aggregates_are_of_the_cells_means(many):
    table = aggregate(many, "base").set_index("variant")
    assert list(table.index) == ["up", "base", "down"]
    cells = many.groupby(["variant", "cell"])["balancedness_gpu_next"].mean()
    for name in table.index:
        assert table.loc[name, "iqm"] == pytest.approx(stats.trim_mean(cells[name], 0.25))
        assert table.loc[name, "gap"] == pytest.approx(1 - cells[name].mean())
        assert table.loc[name, "iqm_low"] < table.loc[name, "iqm"] < table.loc[name, "iqm_high"]
    assert table["cells"].eq(15).all()
    assert table["strata"].eq(5).all()
    assert table.loc["base", ["iqm_difference", "iqm_difference_low", "iqm_difference_high"]].eq(0).all()


def test_differences_are_resampled_in_pairs(many):
    """The traces of a workload differ by far more than the variants do; on the same draws that falls out."""
    table = aggregate(many, "base").set_index("variant").loc["up"]
    assert 0 < table["iqm_difference_low"] < 0.01 < table["iqm_difference_high"] < 0.02
    assert table["iqm_high"] - table["iqm_low"] > 5 * (table["iqm_difference_high"] - table["iqm_difference_low"])


@pytest.mark.long
def test_the_interval_of_the_interquartile_mean_covers_the_truth(rows):
    """Eight workloads of twelve traces with known levels: 95% intervals over traces miss in about 5 of 100."""
    draw = np.random.default_rng(1)
    levels = np.linspace(0.4, 0.9, 8)
    everything = np.concatenate([level + draw.normal(0, 0.03, 20000) for level in levels])
    truth, hits = stats.trim_mean(everything, 0.25), 0
    for _ in range(60):
        frame = pd.DataFrame(
            [
                row
                for number, level in enumerate(levels)
                for seed in range(12)
                for row in rows("v", np.full(2, level + draw.normal(0, 0.03)), f"w{number}", seed)
            ]
        )
        (line,) = aggregate(frame, "v").itertuples()
        hits += line.iqm_low <= truth <= line.iqm_high
    assert 0.85 <= hits / 60 <= 1.0


def test_one_window_alone_has_no_interval(rows):
    (line,) = aggregate(pd.DataFrame(rows("v", [0.5])), "v").itertuples()
    assert line.iqm == 0.5
    assert np.isnan([line.iqm_low, line.iqm_high, line.gap_low]).all()


def test_what_lacks_a_trace_is_left_out_and_what_only_others_have_does_not_count(many, rows):
    lucky = many[(many["variant"] == "up") & (many["workload"] != "w4")].assign(variant="lucky")
    more = pd.concat([many, lucky, pd.DataFrame(rows("up", [0.1] * 12, "other"))])
    shared, left_out = comparable(more, "base")
    assert left_out == ["lucky"]
    assert set(shared["workload"]) == {f"w{n}" for n in range(5)}
    pd.testing.assert_frame_equal(aggregate(more, "base"), aggregate(many, "base"))


def test_a_profile_is_the_share_above_each_threshold_with_workloads_weighing_the_same():
    draw = np.random.default_rng(2)
    series = [[draw.uniform(0.3, 0.8, 10), draw.uniform(0.4, 0.9, 30)], [np.append(draw.uniform(0.6, 1.0, 8), np.nan)]]
    thresholds = np.append(np.linspace(0.2, 1.0, 41), series[0][0][0])
    thresholds.sort()
    found = profile(series, thresholds)
    first, second = np.concatenate(series[0]), series[1][0][:-1]
    expected = [((first > t).mean() + (second > t).mean()) / 2 for t in thresholds]
    np.testing.assert_allclose(found.share, expected)
    assert found.share[0] == 1
    assert found.share[-1] == 0
    for curve in found:
        assert (np.diff(curve) <= 0).all()
    assert (found.low <= found.high).all()
    assert ((found.low <= found.share + 0.05) & (found.share <= found.high + 0.05)).all()


def test_the_band_of_a_profile_covers_the_truth():
    draw = np.random.default_rng(3)
    hits = [
        found.low[0] <= 0.3 <= found.high[0]
        for found in (profile([[draw.uniform(0, 1, 200)]], np.array([0.7])) for _ in range(100))
    ]
    assert 0.88 <= np.mean(hits) <= 1.0


def test_thresholds_hold_all_that_is_there(many):
    thresholds = thresholds_of(many)
    assert thresholds[0] < many["balancedness_gpu_next"].min()
    assert thresholds[-1] == 1
    assert (np.diff(thresholds) > 0).all()
