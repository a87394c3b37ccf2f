from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from eplb_variants import EplbError
from evaluator.analysis.score import Score
from evaluator.analysis.statistics import BETTER, SAME, WORSE
from evaluator.analysis.summary import by_workload, summarise

NOISE = np.random.default_rng(0).normal(0, 0.05, 12)
BASE = 0.8 + NOISE


@pytest.fixture
def frame(rows):
    """A reference, one a little better on every window, one worse, one the same; loads differ far more than they do."""
    return pd.DataFrame(
        rows("base", BASE)
        + rows("better", BASE + 0.01)
        + rows("worse", BASE - 0.02)
        + rows("same", BASE + 1e-5)
        + rows("crashed", [np.nan], status="failed")
    )


def test_differences_are_paired_on_windows(frame):
    summary = summarise(frame, "base").set_index("variant")
    assert list(summary.index) == ["better", "same", "base", "worse"]
    assert summary.loc["better", "difference"] == pytest.approx(0.01)
    assert summary.loc["better", "difference_low"] == pytest.approx(0.01)
    assert summary["verdict"].to_dict() == {"better": BETTER, "same": SAME, "base": SAME, "worse": WORSE}
    assert summary["windows"].eq(12).all()


def test_windows_that_only_one_has_do_not_count(frame, rows):
    more = pd.concat([frame, pd.DataFrame(rows("better", [0.1] * 3, workload="other"))])
    summary = summarise(more, "base").set_index("variant")
    assert summary.loc["better", "difference"] == pytest.approx(0.01)


def test_without_a_next_window_the_own_one_is_judged(frame):
    frame["balancedness_gpu_next"] = np.nan
    summary = summarise(frame, "base")
    assert summary["difference"].eq(0).all()


def test_a_variant_that_was_not_measured_everywhere_stands_last(rows):
    """It failed where it is hard: what is left of it must not win."""
    hard, easy = BASE - 0.3, BASE + 0.1
    frame = pd.DataFrame(
        rows("base", easy)
        + rows("base", hard, workload="hard")
        + rows("lucky", easy)
        + rows("worse", easy - 0.1)
        + rows("worse", hard - 0.1, workload="hard")
    )
    summary = summarise(frame, "base")
    assert list(summary["variant"]) == ["base", "worse", "lucky"]
    assert summary["complete"].tolist() == [True, True, False]


def test_ratios_to_another_reference_are_left_out(frame):
    frame["time_ratio"] = frame["time_ratio_low"] = frame["time_ratio_high"] = 2.0
    frame["time_reference"] = np.where(frame["variant"] == "worse", "base", "another")
    summary = summarise(frame, "base").set_index("variant")
    assert summary.loc["worse", "time_ratio"] == 2.0
    assert summary["time_ratio"].notna().sum() == 1


def test_cells_left_by_an_earlier_version_are_a_mistake_not_an_average(frame):
    with pytest.raises(pd.errors.MergeError):
        summarise(pd.concat([frame, frame]), "base")


def test_an_unknown_reference_is_refused(frame):
    with pytest.raises(EplbError, match="no measured variant 'bse': did you mean 'base'"):
        summarise(frame, "bse")


def test_ratios_of_cells_are_averaged_as_ratios(rows):
    frame = pd.DataFrame(
        rows("base", BASE)
        + rows("v", BASE, time_ratio=0.5, time_ratio_low=0.4, time_ratio_high=0.6, timing_valid=True)
        + rows("v", BASE, seed=1, time_ratio=2.0, time_ratio_low=1.9, time_ratio_high=2.1, timing_valid=False)
    )
    line = summarise(frame, "base").set_index("variant").loc["v"]
    assert line["time_ratio"] == pytest.approx(1.0)
    assert not line["timing_valid"]


def test_a_score_is_a_formula_over_the_columns(frame):
    score = Score("s", "", "balancedness_gpu_next - 0.01 * log10(time_ratio)", "")
    frame["time_ratio"] = 10.0
    summary = summarise(frame, "base", score)
    np.testing.assert_allclose(summary["score"], summary["balancedness_gpu_next"] - 0.01)
    frame["time_ratio"] = np.nan
    assert summarise(frame, "base", score)["score"].isna().all(), "what was not measured is not made up"
    with pytest.raises(EplbError, match="score 'bad' cannot be computed"):
        summarise(frame, "base", Score("bad", "", "balancednes + 1", ""))


def test_titles_name_workload_and_topology(frame):
    assert [title for title, _ in by_workload(frame)] == ["w on t"]


def test_the_probability_of_improvement_counts_ties_half(rows):
    """By brute force on values with many ties; what rounding does is a tie."""
    draw = np.random.default_rng(6)
    base, own = draw.integers(0, 3, (2, 40)) / 10
    frame = pd.DataFrame(rows("base", base) + rows("v", own + 1e-16))
    line = summarise(frame, "base").set_index("variant").loc["v"]
    brute = np.mean([1.0 if a > b else 0.5 if a == b else 0.0 for a, b in zip(own, base, strict=True)])
    assert line["improvement"] == pytest.approx(brute)
    assert line["improvement_low"] < brute < line["improvement_high"]
    assert summarise(frame, "base").set_index("variant").loc["base", "improvement"] == 0.5


@pytest.mark.long
def test_the_interval_of_the_probability_covers_the_truth(rows):
    draw = np.random.default_rng(7)
    hits = 0
    for _ in range(100):
        frame = pd.DataFrame(rows("base", np.zeros(60)) + rows("v", draw.normal(0.5244, 1, 60)))  # above 0 in 70 of 100
        line = summarise(frame, "base").set_index("variant").loc["v"]
        hits += line["improvement_low"] <= 0.7 <= line["improvement_high"]
    assert 0.86 <= hits / 100 <= 1.0


def test_the_probability_respects_traces(rows):
    """Each trace is wholly better or wholly worse: six traces say little, however many windows they have."""
    values = [rows("base", np.zeros(50), seed=s) + rows("v", np.full(50, 1 if s < 4 else -1), seed=s) for s in range(6)]
    line = summarise(pd.DataFrame([row for trace in values for row in trace]), "base").set_index("variant").loc["v"]
    assert line["improvement"] == pytest.approx(4 / 6)
    assert line["improvement_low"] < 0.4
    assert line["improvement_high"] == 1


def test_ranks_are_shared_by_equals_and_averaged_over_workloads(rows):
    frame = pd.DataFrame(
        rows("a", BASE)
        + rows("b", BASE + 1e-15)
        + rows("c", BASE - 0.1)
        + rows("lucky", BASE + 0.3)
        + rows("a", BASE, "x")
        + rows("b", BASE - 0.3, "x")
        + rows("c", BASE + 0.1, "x")
    )
    summary = summarise(frame, "a").set_index("variant")
    assert summary["rank"].dropna().to_dict() == {"a": 1, "c": 1, "b": 3}
    assert summary["mean_rank"].dropna().to_dict() == {"a": 1.75, "b": 2.25, "c": 2.0}
    assert np.isnan(summary.loc["lucky", ["rank", "mean_rank"]].astype(float)).all()
