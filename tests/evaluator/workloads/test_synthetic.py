"""Each scenario does what it says: exact sums, the same for a seed, and the statistics of real recordings."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eplb_variants import EplbError
from evaluator.config.session import hydra_session
from evaluator.config.unofficial import options
from evaluator.sweep.plan import make_plan
from evaluator.workloads import load_workload
from evaluator.workloads.statistics import describe, lag_correlation
from evaluator.workloads.synthetic import Synthetic, round_to_sum, scale_to_sum


def scenario(name):
    config = make_plan([f"workload={name}"]).cells[0].workload.config
    return load_workload({k: v for k, v in config.items() if k not in ("interval", "max_windows")})


with hydra_session():
    SCENARIOS = [name for name in options("workload") if name != "recorded"]


@pytest.mark.parametrize("name", SCENARIOS)
def test_rows_are_exact_and_the_same_for_a_seed(name):
    made = scenario(name)
    counts = made.make(3).counts
    assert counts.shape == (made.windows, made.num_layers, made.num_experts)
    assert (counts.sum(axis=2) == made.tokens * made.top_k).all()
    assert counts.min() >= 0
    assert counts.max() <= made.tokens
    np.testing.assert_array_equal(counts, made.make(3).counts)
    if name != "all_equal":
        assert (counts != made.make(4).counts).any()


class Target(NamedTuple):
    """A statistic, what real recordings show, and how far the mean of five seeds may be off."""

    statistic: str
    value: float
    tolerance: float


# peaks to a tenth, which is about what five seeds differ by; Gini and shares to .02; adjacent correlations to .015
TARGETS = {
    "quick": [Target("gini", 0.36, 0.02), Target("rank_max_over_mean", 2.1, 0.2)],
    "dsr1_decode": [
        Target("gini", 0.36, 0.02),
        Target("max_over_mean", 4.9, 0.5),
        Target("group_max_over_mean", 1.7, 0.17),
        Target("rank_max_over_mean", 2.1, 0.2),
    ],
    "dsr1_prefill": [Target("gini", 0.40, 0.02), Target("max_over_mean", 6.1, 0.6)],
    "qwen3_domain": [Target("gini", 0.61, 0.02), Target("max_over_mean", 8.2, 0.8)],
    "domain_switch": [Target("lag 10", 0.59, 0.03)],
    "random_walk": [Target("lag 1", 0.957, 0.015), Target("lag 10", 0.68, 0.04)],
    "bursty": [Target("lag 1", 0.993, 0.015)],
    "group_hot": [Target("rank_max_over_mean", 2.4, 0.24)],
    "dead_experts": [Target("zero_share", 0.13, 0.01), Target("gini", 0.71, 0.02)],
    "small_batch": [Target("lag 1", 0.948, 0.015)],
    "mild": [Target("rank_max_over_mean", 1.1, 0.1)],
    "single_hot": [Target("max_over_mean", 28.8, 0.05)],
    "near_ties": [Target("max_over_mean", 1.0, 0.01)],
    "all_equal": [Target("max_over_mean", 1.0, 0.0), Target("gini", 0.0, 1e-12)],
    "uniform": [Target("max_over_mean", 1.03, 0.01), Target("lag 1", 0.0, 0.01)],
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_statistics_are_those_of_real_recordings(name):
    made = scenario(name)
    values = []
    for seed in range(5):
        windows = made.make(seed).windows(1)
        row = describe(windows, 8, 32)._asdict()
        values.append({**row, "lag 1": lag_correlation(windows, 1), "lag 10": lag_correlation(windows, 10)})
    for target in TARGETS[name]:
        mean = np.mean([value[target.statistic] for value in values])
        assert mean == pytest.approx(target.value, abs=target.tolerance + 1e-15), target


def test_every_scenario_is_held_to_something():
    assert set(TARGETS) == set(SCENARIOS)


def test_near_ties_are_no_ties():
    counts = scenario("near_ties").make(0).counts[0]
    assert np.mean([np.unique(row).size for row in counts]) > 40


def test_dead_experts_are_dead_in_every_window():
    made = scenario("dead_experts")
    dead = (made.make(0).counts == 0).all(axis=0)
    assert (dead.sum(axis=1) >= round(0.1 * made.num_experts)).all()


def test_domains_come_back():
    """Forty windows, four domains, ten windows each: a fifth block is the first domain again."""
    made = Synthetic(num_layers=4, domains=4, windows=50, rho=0.999, phi=0.0)
    windows = made.make(0).windows(1)
    back = lag_correlation(windows[[5, 45]], 1)
    other = lag_correlation(windows[[5, 15]], 1)
    assert back > 0.9 > other + 0.3


def test_a_blend_is_more_even_than_its_domains_and_its_shares_drift():
    """The share of one domain follows its AR(1): near windows are alike, far ones less."""
    one = Synthetic(num_layers=20, rho=1.0, phi=0.0, windows=30)
    even = Synthetic(num_layers=20, rho=1.0, phi=0.0, windows=30, domains=6, mixture="blend")
    moving = replace(even, mixture_spread=1.5, mixture_rho=0.9)
    made = [workload.make(0).windows(1) for workload in (one, even, moving)]
    assert describe(made[1]).gini < 0.75 * describe(made[0]).gini
    assert lag_correlation(made[1], 20) == pytest.approx(1.0)
    assert 0.99 > lag_correlation(made[2], 1) > lag_correlation(made[2], 20) + 0.1


def test_the_tail_makes_hot_experts_hotter_and_leaves_the_others():
    plain, heavy = (Synthetic(rho=1.0, phi=0.0, windows=1, tail=tail).make(0).counts[0] for tail in (0.0, 0.15))
    of_mean = [counts / np.median(counts, axis=1, keepdims=True) for counts in (plain, heavy)]
    np.testing.assert_allclose(*(np.quantile(rows, 0.25, axis=1) for rows in of_mean), rtol=0.02)
    assert (of_mean[1].max(axis=1) > of_mean[0].max(axis=1)).all()


def test_bursts_last_one_window():
    quiet = Synthetic(num_layers=30, phi=0.0, rho=1.0, windows=20)
    loud = Synthetic(num_layers=30, phi=0.0, rho=1.0, windows=20, burst_probability=0.2, burst_factor=4.0)
    assert np.allclose(np.diff(quiet.make(0).counts.astype(float), axis=0), 0, atol=1)
    changed = (np.abs(np.diff(loud.make(0).counts.astype(float), axis=0)) > 1).any(axis=2)
    assert 0.2 < changed.mean() < 0.5  # a burst changes its window and the next: about 2 * .2 * .8 + ...


def test_noise_has_the_variance_asked_for():
    """Equal experts, phi 3: the counts' variance is three times the binomial's."""
    made = Synthetic(num_layers=20, num_experts=64, top_k=4, sigma=0.0, phi=3.0, tokens=10_000, windows=30)
    counts = made.make(0).counts
    chance = 4 / 64
    assert counts.var() / (10_000 * chance * (1 - chance)) == pytest.approx(3.0, rel=0.1)


@given(
    st.lists(st.floats(0, 1e6), min_size=4, max_size=30).filter(lambda w: sum(v > 1e-3 for v in w) >= 4),
    st.integers(1, 4),
)
def test_scaling_caps_and_sums(weights, top_k):
    weight = np.array([[w if w > 1e-3 else 0.0 for w in weights]])
    scaled = scale_to_sum(weight, top_k, 1.0)
    assert scaled.sum() == pytest.approx(top_k)
    assert scaled.max() <= 1 + 1e-12
    assert (scaled[weight == 0] == 0).all()
    assert (np.diff(scaled[0][np.argsort(weight[0])]) >= -1e-12).all(), "the order of weights is kept"
    rounded = round_to_sum(scaled * 1000, top_k * 1000)
    assert rounded.sum() == top_k * 1000
    assert np.abs(rounded - scaled * 1000).max() < 1 + 1e-6


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"num_layers": 0}, "num_layers is 0"),
        ({"icc": 1.5}, "icc is 1.5"),
        ({"sigma": -1.0}, "sigma is -1"),
        ({"phi": 0.5}, "phi is 0.5"),
        ({"distribution": "gama"}, "did you mean 'gamma'"),
        ({"requests": -1}, "requests is -1"),
        ({"requests": 500, "tokens": 499}, "499 tokens are one each at most"),
        ({"staying": 1.1}, "staying is 1.1"),
        ({"alike": -0.1}, "alike is -0.1"),
        ({"tail": -0.1}, "tail is -0.1"),
        ({"tail": 0.1, "distribution": "gamma"}, "tail is 0.1: it belongs to the lognormal"),
        ({"mixture": "blent"}, "did you mean 'blend'"),
        ({"mixture_spread": -1.0}, "mixture_spread is -1"),
        ({"mixture_rho": 2.0}, "mixture_rho is 2"),
        ({"num_groups": 7}, "256 logical experts do not divide into 7 groups"),
        ({"top_k": 300}, "cannot choose 300 distinct experts"),
        ({"dead_share": 0.99}, "cannot choose 8 distinct experts among 3"),
    ],
)
def test_parameters_out_of_range_are_refused(bad, says):
    with pytest.raises(EplbError, match=says):
        Synthetic(**bad)
    with pytest.raises(EplbError, match="seed is -1"):
        Synthetic().make(-1)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"tokens": 5000},
        {"sigma": 0.5},
        {"sigma_spread": 0.5},
        {"phi": 1.0},
        {"requests": 50},
        {"sigma": 0.5, "domains": 2, "mixture": "blend"},
        {"dead_share": 0.2},
        {"hot_share": 0.5},
        {"burst_probability": 0.5},
        {"icc": 0.5, "domains": 2},
    ],
)
def test_only_exactly_equal_loads_are_the_same_for_every_seed(change):
    equal = {"num_layers": 3, "num_experts": 16, "top_k": 2, "tokens": 1000, "windows": 4, "sigma": 0.0, "phi": 0.0}
    made = Synthetic(**{**equal, **change})
    assert made.seeded == any((made.make(0).counts != made.make(seed).counts).any() for seed in (1, 2, 3))


def test_an_interval_without_one_whole_window_is_refused_without_making_any(monkeypatch):
    monkeypatch.setattr(Synthetic, "steps", None)
    Synthetic(windows=3).check(3)
    with pytest.raises(EplbError, match="3 steps with load: too few for one window of 4"):
        Synthetic(windows=3).check(4)
