"""Verdicts are formed in one place. The numbers below were computed by the code that formed them in three."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evaluator.analysis.ablation.effects import measure_effects
from evaluator.analysis.ablation.factors import find_design
from evaluator.analysis.aggregate import aggregate
from evaluator.analysis.columns import METRICS
from evaluator.analysis.paired import differences, improvement, judged, paired, verdict_on, verdict_on_time
from evaluator.analysis.score import Score
from evaluator.analysis.statistics import BETTER, SAME, UNSURE, WORSE, Estimate
from evaluator.analysis.summary import summarise

BEFORE = {
    "one trace": ((0.0037074705644262926, 0.002166092184937934, 0.005025492248314933, 12), BETTER, (11 / 12, 0.75, 1)),
    "three traces": (
        (-0.0051435253143266805, -0.006294947009343507, -0.003808163420936594, 27),
        WORSE,
        (1 / 27, 0, 0.14814814814814814),
    ),
    "two workloads": (
        (0.000812446778286121, -0.0033428253546881315, 0.004653840233718648, 32),
        SAME,
        (0.46875, 0.3, 0.6470588235294118),
    ),
    "below the floor": (
        (0.0003833131182649792, 0.0003634026786576681, 0.0004027186976772638, 30),
        SAME,
        (1, 1, 1),
    ),
    "few": ((0.10329928742985697, 0.10104856870796564, 0.10555000615174831, 4), UNSURE, (1, 1, 1)),
}
"""By case: value, low, high and number of windows; the verdict; the probability of improvement with its interval."""


def pair(draw, shape, offset, noise):
    """Return a series and the one that it is compared with, of so many windows by stratum and trace."""
    own, base = [], []
    for traces in shape:
        base.append([draw.normal(0.8, 0.05, windows) for windows in traces])
        own.append([trace + offset + draw.normal(0, noise, trace.size) for trace in base[-1]])
    return own, base


@pytest.fixture(scope="module")
def cases():
    draw = np.random.default_rng(11)
    shapes = {
        "one trace": ([[12]], 0.004, 0.004),
        "three traces": ([[9, 9, 9]], -0.006, 0.004),
        "two workloads": ([[20], [5, 7]], 0.0, 0.01),
        "below the floor": ([[30]], 0.0004, 0.0001),
        "few": ([[4]], 0.1, 0.01),
    }
    return {name: pair(draw, *case) for name, case in shapes.items()}


@pytest.mark.parametrize("name", BEFORE)
def test_two_series_have_the_numbers_and_verdicts_of_before(cases, name):
    numbers, verdict, wins = BEFORE[name]
    found = paired(*cases[name])
    assert found.difference == pytest.approx(numbers, rel=1e-12)
    assert found.verdict == verdict
    assert improvement(*cases[name])[:3] == pytest.approx(wins, rel=1e-12)


def test_a_comparison_has_the_numbers_and_verdicts_of_before(rows):
    draw, made = np.random.default_rng(12), []
    for workload in range(2):
        for seed in range(2):
            base = draw.uniform(0.5, 0.9) + draw.normal(0, 0.02, 8)
            for name, offset, ratio in (("base", 0.0, 1.0), ("up", 0.01, 1.4), ("near", 0.001, 1.01)):
                taken = ratio * draw.uniform(0.98, 1.02)
                times = {"time_ratio": taken, "time_ratio_low": 0.97 * taken, "time_ratio_high": 1.03 * taken}
                more = {**times, "time_reference": "base", "timing_valid": True, "moved_slots": 0.5}
                made += rows(name, base + offset + draw.normal(0, 0.003, 8), f"w{workload}", seed, **more)
    frame = pd.DataFrame(made)
    score = Score("s", "", "balancedness_gpu_next - 0.01 * log10(time_ratio) - 0.01 * moved_slots", "")
    table = summarise(frame, "base", score).set_index("variant")
    expected = {
        "difference": {"up": 0.010530008794311834, "near": 0.00016869256903105818, "base": 0.0},
        "difference_low": {"up": 0.0086496810528949, "near": -0.0011390549800275773, "base": 0.0},
        "difference_high": {"up": 0.01250333065602532, "near": 0.0014520416573489438, "base": 0.0},
        "improvement": {"up": 1.0, "near": 0.46875, "base": 0.5},
        "improvement_low": {"up": 1.0, "near": 0.28125, "base": 0.5},
        "improvement_high": {"up": 1.0, "near": 0.65625, "base": 0.5},
        "time_ratio": {"up": 1.3931442595363615, "near": 1.0142765355475083, "base": 1.005151970895064},
        "time_ratio_low": {"up": 1.3720637619964817, "near": 0.9989289117346787, "base": 0.9899424163176289},
        "time_ratio_high": {"up": 1.414548639528965, "near": 1.0298599614819233, "base": 1.0205952062872927},
        "score": {"up": 0.6988745219426112, "near": 0.6898916028295073, "base": 0.6897621567604998},
    }
    for column, values in expected.items():
        assert table[column].to_dict() == pytest.approx(values, rel=1e-9), column
    assert table["verdict"].to_dict() == {"up": BETTER, "near": SAME, "base": SAME}
    assert table["time_verdict"].to_dict() == {"up": WORSE, "near": SAME, "base": "control"}
    across = aggregate(frame, "base").set_index("variant").loc["up"]
    assert across["iqm_difference_low"] == pytest.approx(0.007928481235738097, rel=1e-9)
    assert across["gap_high"] == pytest.approx(0.32891933747747293, rel=1e-9)
    assert table.loc["up", ["headline", "headline_low"]].notna().all()


def test_an_ablation_has_the_numbers_and_verdicts_of_before(factorial):
    frame = factorial(
        lambda a, b: 0.01 * a - 0.02 * (b == "y") + 0.004 * (a == 2 and b == "y"),
        noise=2e-3,
        rng=5,
        workloads=("u", "v"),
    )
    second = frame["variant"].str.contains(r"\[2")
    frame["time_reference"] = "v[0,x]"
    frame["time_ratio"] = np.where(frame["variant"].str.contains("y"), 1.05, 1.0) * (1 + 0.01 * frame["seed"] * second)
    found = measure_effects(frame, find_design(frame), ["balancedness_gpu_next", "log_time_ratio"])
    expected = [
        (0.010264710360565242, 0.008725104424474014, 0.01173862398610011, 96, 0.0003405779558042273, BETTER),
        (0.022167254851172824, 0.020574368263635436, 0.02380862964714391, 96, 0.0003405779558042273, BETTER),
        (-0.01787421770559612, -0.018568134404865176, -0.01714606504193957, 96, 3.598757649218196e-08, WORSE),
        (-0.0003930264096170556, -0.003269189021055386, 0.0024311968536359263, 96, 0.82037066022468, SAME),
        (0.004773151625993128, 0.001672494168481917, 0.007929066934228457, 96, 0.11386900646871143, SAME),
        (0.0, 0.0, 0.0, 8, 1.0, SAME),
        (0.014827940097723077, 0.00742621837227949, 0.02221764065810919, 8, 0.0658677674682092, SAME),
        (0.04879016416943205, 0.048790164169432035, 0.04879016416943206, 8, 0.0, WORSE),
        (0.0, 0.0, 0.0, 8, 1.0, SAME),
        (0.0, 0.0, 0.0, 8, 1.0, SAME),
    ]
    for effect, (*numbers, verdict) in zip(found, expected, strict=True):
        assert [*effect.estimate, effect.p_holm] == pytest.approx(numbers, rel=1e-6, abs=1e-12)
        assert effect.verdict == verdict


def test_which_way_is_better_is_the_metrics():
    more = Estimate(0.1, 0.05, 0.15, 9)
    assert verdict_on(more, METRICS["balancedness_gpu_next"]) == BETTER
    assert verdict_on(more, METRICS["moved_slots"]) == WORSE
    assert judged([[np.full(9, 0.1)]], METRICS["moved_slots"]).verdict == WORSE


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [
        (Estimate(1.2, 1.1, 1.3, 20), WORSE),
        (Estimate(0.8, 0.7, 0.9, 20), BETTER),
        (Estimate(1.2, 0.9, 1.3, 20), SAME),
        (Estimate(1.01, 1.005, 1.015, 20), SAME),
        (Estimate(1.2, 1.1, 1.3, 4), UNSURE),
        (Estimate(1.2, float("nan"), float("nan"), 20), UNSURE),
    ],
)
def test_less_time_is_better_and_small_ratios_count_as_none(ratio, verdict):
    assert verdict_on_time(ratio) == verdict


def test_windows_that_one_side_lacks_do_not_count():
    own, base = [[np.array([0.5, np.nan, 0.7])]], [[np.array([0.4, 0.4, np.nan])]]
    ((difference,),) = differences(own, base)
    assert np.isnan(difference).tolist() == [False, True, True]
    assert paired(own, base).difference.num == 1


def test_series_of_other_shapes_are_a_mistake():
    with pytest.raises(ValueError, match="zip"):
        paired([[np.zeros(3)]], [[np.zeros(3)], [np.zeros(3)]])
