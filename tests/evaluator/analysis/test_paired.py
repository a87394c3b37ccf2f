"""Verdicts are formed in one place: by an interval or a corrected p-value, and a floor."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from evaluator.analysis.ablation.effects import measure_effects
from evaluator.analysis.ablation.factors import find_design
from evaluator.analysis.columns import METRICS
from evaluator.analysis.paired import corrected, differences, judged, paired, verdict_on, verdict_on_time
from evaluator.analysis.statistics import BETTER, SAME, UNSURE, WORSE, Estimate, mean_of_series
from evaluator.analysis.summary import summarise


def test_a_comparison_says_what_its_differences_do(rows):
    draw, made, off = np.random.default_rng(12), [], {"up": [], "near": []}
    for workload in range(2):
        for name in off:
            off[name].append([])
        for seed in range(4):
            base = draw.uniform(0.5, 0.9) + draw.normal(0, 0.02, 8)
            made += rows("base", base, f"w{workload}", seed)
            for name, offset in (("up", 0.01), ("near", 0.0)):
                off[name][workload].append(offset + draw.normal(0, 0.003, 8))
                made += rows(name, base + off[name][workload][seed], f"w{workload}", seed)
    table = summarise(pd.DataFrame(made), "base").set_index("variant")
    for name, series in off.items():
        expected = mean_of_series(series)
        columns = ["difference", "difference_low", "difference_high", "p"]
        assert table.loc[name, columns].tolist() == pytest.approx([*expected[:3], expected.p])
    assert table["verdict"].to_dict() == {"up": BETTER, "near": SAME, "base": SAME}
    assert table.loc["up", "p_holm"] == pytest.approx(2 * table.loc["up", "p"])


def test_an_ablation_forms_the_same_verdicts(factorial):
    frame = factorial(lambda a, b: 0.01 * a - 0.02 * (b == "y"), noise=2e-3, rng=5, workloads=("u", "v"), seeds=5)
    effects = measure_effects(frame, find_design(frame), ["balancedness_gpu_next"])
    said = {(effect.factors, effect.levels): effect for effect in effects}
    assert [effect.verdict for effect in effects if len(effect.factors) == 1] == [BETTER, BETTER, WORSE]
    one = said[("fixup.moves",), (1,)]
    assert one.estimate.value == pytest.approx(0.01, abs=0.002)
    p = [effect.estimate.p for effect in effects]
    assert [effect.p_holm for effect in effects] == pytest.approx(multipletests(p, method="holm")[1])


@pytest.mark.parametrize("size", [1, 2, 20])
def test_p_values_are_corrected_as_by_statsmodels(size):
    p = np.random.default_rng(size).random(size) ** 4
    assert corrected(p) == pytest.approx(multipletests(p, method="holm")[1])
    with_missing = corrected([*p, float("nan")])
    assert with_missing[:-1] == pytest.approx(corrected(p)), "what is not known does not count"
    assert np.isnan(with_missing[-1])


@pytest.mark.parametrize(
    ("units", "p", "verdict"),
    [
        (9, None, BETTER),
        (9, 0.04, BETTER),
        (9, 0.06, SAME),
        (4, 0.06, UNSURE),  # of so few pieces, the clearest difference might not pass the correction
        (3, 0.04, BETTER),
        (2.9, 0.04, UNSURE),
    ],
)
def test_a_correction_takes_the_place_of_the_interval(units, p, verdict):
    assert verdict_on(Estimate(0.1, 0.05, 0.15, 9, units), p=p) == verdict


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
