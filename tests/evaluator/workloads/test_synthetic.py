"""Each scenario does what it says: exact sums, the same for a seed, and the statistics of real recordings."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eplb_variants import EplbError, Topology, load_variant
from evaluator.config.session import hydra_session
from evaluator.config.unofficial import options
from evaluator.quality.metrics import balance
from evaluator.sweep.plan import make_plan
from evaluator.workloads import load_workload
from evaluator.workloads.statistics import describe, lag_correlation
from evaluator.workloads.synthetic import Synthetic, round_to_sum, scale_to_sum


def scenario(name):
    config = make_plan([f"workload={name}"]).cells[0].workload.config
    return load_workload({k: v for k, v in config.items() if k not in ("interval", "max_windows", "pooled")})


with hydra_session():
    SCENARIOS = [name for name in options("workload") if name not in ("recorded", "byte_moe")]


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


class Fact(NamedTuple):
    """A statistic, and the range in which the mean over five seeds must lie; over more where layers are few."""

    statistic: str
    low: float
    high: float


# Four recordings of DeepSeek-R1 decode, means over layers. `own`: balancedness of `deepseek` on the load that it was
# given, 288 slots on 32 GPUs and 4 nodes, hierarchical.
DECODE = [
    Fact("gini", 0.35, 0.38),
    Fact("max_over_mean", 5.6, 6.1),
    Fact("group_max_over_mean", 1.85, 2.06),
    Fact("rank_max_over_mean", 2.57, 2.99),
    Fact("own", 0.75, 0.81),
]
# DeepSeek-R1 prefill: medians over layers of recordings with prompts of 512 to 1024 tokens, and of 2048 to 4096.
PREFILL = [Fact("gini", 0.38, 0.44), Fact("max_over_mean", 5.9, 8.2), Fact("rank_max_over_mean", 2.3, 3.0)]
# DeepSeek-V2-Lite, windows of one task at lags 1, 4 and 8: .93, .92, .92 and .98, .98, .99; no visible drift.
WITHIN_A_TASK = [Fact("within, lag 1", 0.92, 0.99), Fact("within, lag 6", 0.92, 0.99)]
# The same, 512 and 2,048 tokens a window: .87 to .98, and .955 to .996.
SHORT_WINDOWS = [Fact("within, lag 1", 0.87, 0.98), Fact("within, lag 6", 0.87, 0.98)]
FACTS = {
    # ranges of recordings, for skew and where a source is named; where none is, correlations over time are what the
    # scenario was made for, which no recording tells: few long requests, long prompts, a mixture that drifts
    "dsr1_decode": [*DECODE, *WITHIN_A_TASK, Fact("switch", 0.55, 0.90)],  # DeepSeek-R1, decode to prefill
    "dsr1_prefill": [*PREFILL, Fact("within, lag 1", 0.98, 1.0), Fact("switch", 0.75, 0.90)],  # prompts of 512 to 4096
    "steady_mix": [
        *DECODE,
        Fact("within, lag 1", 0.98, 1.0),
        Fact("within, lag 6", 0.98, 1.0),
    ],  # DeepSeek-R1, like runs
    "long_requests": [*DECODE, Fact("within, lag 1", 0.92, 0.99), Fact("within, lag 6", 0.83, 0.92)],
    "long_prompts": [*PREFILL, Fact("within, lag 1", 0.87, 0.98), Fact("within, lag 6", 0.87, 0.98)],
    "drifting_mixture": [*DECODE, Fact("within, lag 1", 0.98, 1.0), Fact("within, lag 6", 0.90, 0.98)],
    "domain_switch": [*DECODE, *WITHIN_A_TASK, Fact("switch", 0.04, 0.23)],  # between tasks of DeepSeek-V2-Lite
    "small_batch": [*DECODE, *SHORT_WINDOWS],
    "group_hot": [Fact("group_max_over_mean", 2.0, 4.3)],  # the most skewed layers of DeepSeek-R1
    "qwen3_domain": [Fact("gini", 0.59, 0.63), Fact("max_over_mean", 7.4, 9.0)],  # Qwen3-30B, English
    # made to be so
    "quick": [fact for fact in DECODE if fact.statistic != "within, lag 6"],  # it has six windows
    "random_walk": [Fact("within, lag 1", 0.94, 0.97), Fact("lag 10", 0.64, 0.74)],
    "bursty": [Fact("within, lag 1", 0.97, 0.995)],
    "dead_experts": [Fact("zero_share", 0.12, 0.14), Fact("gini", 0.69, 0.73)],
    "mild": [Fact("rank_max_over_mean", 1.0, 1.2)],
    "single_hot": [Fact("max_over_mean", 28.75, 28.85)],
    "near_ties": [Fact("max_over_mean", 0.99, 1.01)],
    "all_equal": [Fact("max_over_mean", 1.0, 1.0), Fact("gini", -1e-12, 1e-12)],
    "uniform": [Fact("max_over_mean", 1.02, 1.04), Fact("within, lag 1", -0.01, 0.01)],
}
ADRS = Topology(288, 8, 4, 32)


def statistics(made, seed):
    """All that facts speak of: of the loads, over time within a task, from task to task, and as they are placed."""
    windows = made.make(seed).windows(1)
    stretch = made.switch_every if made.domains > 1 and made.mixture == "switch" else len(windows)
    tasks = [windows[i : i + stretch] for i in range(0, len(windows), stretch)]
    found = describe(windows, 8, 32)._asdict() | {"lag 10": lag_correlation(windows, 10)}
    for lag in (1, 6):
        long_enough = [lag_correlation(task, lag) for task in tasks if len(task) > lag]
        found[f"within, lag {lag}"] = np.mean(long_enough) if long_enough else None
    if len(tasks) > 1:
        found["switch"] = np.mean([lag_correlation(np.stack(pair), 1) for pair in zip(*tasks[:2], strict=False)])
    if made.num_experts == 256:
        own = [balance(load, load_variant("deepseek").place(load, ADRS)).gpu for load in windows[::8]]
        found["own"] = np.mean(own)
    return found


@pytest.mark.long
@pytest.mark.parametrize("name", SCENARIOS)
def test_statistics_are_those_of_real_recordings(name):
    made = scenario(name)
    found = [statistics(made, seed) for seed in range(-(-290 // made.num_layers))]
    for fact in FACTS[name]:
        mean = np.mean([one[fact.statistic] for one in found])
        assert fact.low <= mean <= fact.high, (fact, mean)


def test_every_scenario_is_held_to_something():
    assert set(FACTS) == set(SCENARIOS)


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


def test_the_tail_makes_hot_groups_hotter_and_leaves_the_others():
    shared = Synthetic(num_groups=8, icc=0.4, rho=1.0, phi=0.0, windows=1)
    plain, heavy = (replace(shared, tail=tail).make(0).windows(1) for tail in (0.0, 0.3))
    of_median = [counts[0] / np.median(counts[0], axis=1, keepdims=True) for counts in (plain, heavy)]
    np.testing.assert_allclose(*(np.quantile(rows, 0.25, axis=1) for rows in of_median), rtol=0.15)
    assert describe(heavy, 8).group_max_over_mean > describe(plain, 8).group_max_over_mean + 0.1


@pytest.mark.parametrize("own_tail", [-0.1, 0.1])
def test_a_tail_of_their_own_makes_the_hottest_experts_hotter_or_less_hot_in_the_same_order(own_tail):
    made = Synthetic(rho=1.0, phi=0.0, windows=1, tokens=10**7)
    plain, other = (replace(made, own_tail=tail).make(0).counts[0] for tail in (0.0, own_tail))
    of_median = [counts / np.median(counts, axis=1, keepdims=True) for counts in (plain, other)]
    np.testing.assert_allclose(*(np.quantile(rows, 0.25, axis=1) for rows in of_median), rtol=0.01)
    assert np.sign(of_median[1].max(axis=1) - of_median[0].max(axis=1)).mean() == np.sign(own_tail)
    by_load = np.take_along_axis(other, np.argsort(plain, axis=1, kind="stable"), axis=1)
    assert (np.diff(by_load, axis=1) >= -1).all(), "but for what is rounded"


def test_experts_of_a_block_are_alike():
    made = Synthetic(num_layers=50, block=4, block_icc=0.6, rho=1.0, phi=0.0, windows=1)
    log_LBE = np.log(made.make(0).counts[0].reshape(50, 64, 4))
    between = log_LBE.mean(axis=2).var(axis=1).mean()
    assert (between - 0.4 * made.sigma**2 / 4) / made.sigma**2 == pytest.approx(0.6, abs=0.05)
    assert np.isclose(log_LBE.var(axis=(1, 2)).mean(), made.sigma**2, rtol=0.1)


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
        ({"tail": 0.1, "distribution": "gamma"}, "belong to the lognormal"),
        ({"own_tail": -0.2}, "own_tail is -0.2: it must be -0.1 or more"),
        ({"own_tail": 0.1, "distribution": "gamma"}, "belong to the lognormal"),
        ({"block": 3}, "block is 3: it does not divide"),
        ({"icc": 0.7, "block_icc": 0.4}, "are 1.1 together: at most 1"),
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
