"""Effects that were put in are found, those that were not are not."""

from __future__ import annotations

import gc

import numpy as np
import pandas as pd
import pytest

from eplb_variants import EplbError
from evaluator.analysis import statistics
from evaluator.analysis.ablation.effects import contrasts, measure_effects
from evaluator.analysis.ablation.factors import find_design
from evaluator.analysis.statistics import BETTER, SAME, UNSURE, WORSE

NEXT = ["balancedness_gpu_next"]
MOVES, PACKER = ("fixup.moves",), ("packer.name",)
BOTH = MOVES + PACKER


def effects(frame, names=NEXT, reference=None):
    """Return the effects by factors and levels."""
    good = frame[frame["status"] == "ok"]
    found = measure_effects(good, find_design(good, reference), names)
    return {(effect.factors, effect.levels): effect for effect in found}


def nothing(a, b):
    """Return no effect at all."""
    return 0.0


def test_main_effects_are_found_and_no_interaction_is_where_there_is_none(factorial):
    found = effects(factorial(lambda a, b: 0.01 * a - 0.02 * (b == "y"), noise=1e-4))
    assert found[MOVES, (1,)].estimate.value == pytest.approx(0.01, abs=2e-4)
    assert found[MOVES, (2,)].estimate.value == pytest.approx(0.02, abs=2e-4)
    assert found[PACKER, ("y",)].estimate.value == pytest.approx(-0.02, abs=2e-4)
    assert {key: effect.verdict for key, effect in found.items()} == {
        (MOVES, (1,)): BETTER,
        (MOVES, (2,)): BETTER,
        (PACKER, ("y",)): WORSE,
        (BOTH, (1, "y")): SAME,
        (BOTH, (2, "y")): SAME,
    }
    assert found[PACKER, ("y",)].estimate.low <= -0.02 + 2e-4
    assert found[PACKER, ("y",)].estimate.num == 48


def test_an_interaction_is_what_both_do_beyond_the_sum(factorial):
    found = effects(factorial(lambda a, b: 0.01 * a + 0.05 * (a == 2 and b == "y"), noise=1e-4))
    assert found[BOTH, (2, "y")].estimate.value == pytest.approx(0.05, abs=4e-4)
    assert found[BOTH, (2, "y")].verdict == BETTER
    assert found[BOTH, (1, "y")].verdict == SAME
    assert found[MOVES, (2,)].estimate.value == pytest.approx(0.02 + 0.05 / 2, abs=4e-4), "averaged over the packers"


def test_they_are_those_of_least_squares_with_a_level_for_each_block(factorial):
    """The textbook's way to the same numbers: ordinary least squares with block fixed effects, on sum-to-zero codes."""
    from statsmodels.regression.linear_model import OLS

    frame = factorial(lambda a, b: 0.01 * a + 0.03 * (a == 1 and b == "y"), a=(0, 1), noise=0.01)
    found = effects(frame)
    one = np.where(frame["variant"].str.contains(r"\[1"), 0.5, -0.5)
    two = np.where(frame["variant"].str.contains("y"), 0.5, -0.5)
    blocks = pd.get_dummies(frame["seed"].astype(str) + "/" + frame["window"].astype(str)).to_numpy(dtype=float)
    fitted = OLS(frame["balancedness_gpu_next"], np.column_stack([one, two, one * two, blocks])).fit()
    ours = [found[MOVES, (1,)], found[PACKER, ("y",)], found[BOTH, (1, "y")]]
    np.testing.assert_allclose([effect.estimate.value for effect in ours], fitted.params[:3], atol=1e-12)


def test_less_is_better_of_what_costs(factorial):
    frame = factorial(nothing)
    frame["moved_slots"] = 0.5 + 0.1 * frame["variant"].str.contains("y") + 1e-4 * frame["window"] * frame["seed"]
    assert effects(frame, ["moved_slots"])[PACKER, ("y",)].verdict == WORSE


def test_a_sure_effect_below_the_floor_is_no_difference(factorial):
    effect = effects(factorial(lambda a, b: 5e-4 * (b == "y"), noise=1e-6))[PACKER, ("y",)]
    assert effect.p_holm < 0.01
    assert effect.verdict == SAME


def test_times_are_one_ratio_a_trace(factorial):
    frame = factorial(nothing, seeds=6)
    frame["time_reference"] = "v[0,x]"
    frame["time_ratio"] = np.where(frame["variant"].str.contains("y"), 1.5, 1.0) * (1 + 0.01 * frame["seed"])
    effect = effects(frame, ["log_time_ratio"])[PACKER, ("y",)]
    assert np.exp(effect.estimate.value) == pytest.approx(1.5)
    assert (effect.estimate.num, effect.verdict) == (6, WORSE)
    frame.loc[frame["seed"] == 1, "time_reference"] = "another"
    assert not effects(frame, ["log_time_ratio"]), "ratios to different things cannot be compared"


def test_one_seed_of_times_is_too_few(factorial):
    frame = factorial(nothing, seeds=1).assign(time_reference="r", time_ratio=1.5)
    assert {effect.verdict for effect in effects(frame, ["log_time_ratio"]).values()} == {UNSURE}


def test_blocks_that_lack_a_level_are_left_out_and_counted(factorial):
    """A cell that failed on the hardest trace must not make its level look good."""
    frame = factorial(lambda a, b: 0.01 * a)
    hard = frame["seed"] == 3
    frame.loc[hard, "balancedness_gpu_next"] -= 0.5
    frame.loc[hard & (frame["variant"] == "v[2,y]"), "status"] = "failed"
    found = effects(frame)
    assert found[MOVES, (2,)].estimate.value == pytest.approx(0.02)
    assert found[MOVES, (2,)].left_out == 12, "moves at y on the trace; at x all levels are there"
    assert found[MOVES, (2,)].blocks == 2 * 4 * 12 - 12
    assert found[PACKER, ("y",)].left_out == 12
    assert found[BOTH, (2, "y")].estimate.num == 3 * 12, "an interaction needs all of them"


def test_a_combination_that_was_never_measured_is_said(factorial):
    frame = factorial(lambda a, b: 0.01 * a)
    frame = frame[frame["variant"] != "v[2,y]"]
    design = find_design(frame)
    assert any("5 of 6 combinations" in note for note in design.notes)
    found = effects(frame)
    assert found[MOVES, (1,)].estimate.value == pytest.approx(0.01)
    assert found[MOVES, (1,)].left_out == 4 * 12
    assert np.isnan(found[BOTH, (1, "y")].estimate.value)
    assert found[BOTH, (1, "y")].verdict == UNSURE


def test_windows_without_a_value_are_not_left_out(factorial):
    """The first window has no movement, whatever the variant: nothing is lost."""
    frame = factorial(nothing)
    frame["moved_slots"] = np.where(frame["window"] == 0, np.nan, 0.5)
    effect = effects(frame, ["moved_slots"])[MOVES, (1,)]
    assert (effect.left_out, effect.estimate.num) == (0, 4 * 11)


def test_two_traces_do_not_suffice(factorial):
    """An interval over two traces is too narrow to be believed: the p-value knows, and nothing is said."""
    effect = effects(factorial(lambda a, b: 0.01 * (b == "y"), seeds=2, noise=2e-3, rng=3))[PACKER, ("y",)]
    assert effect.df == 1
    assert effect.verdict in (UNSURE, SAME)


def test_an_unknown_metric_is_refused(factorial):
    with pytest.raises(EplbError, match="no metric 'moved_slot': did you mean 'moved_slots'"):
        effects(factorial(nothing), ["moved_slot"])


def test_the_reference_levels_are_those_of_the_reference(factorial):
    frame = factorial(lambda a, b: 0.01 * a, noise=1e-4)
    found = effects(frame, reference="v[1,y]")
    assert found[MOVES, (0,)].estimate.value == pytest.approx(-0.01, abs=3e-4)
    assert found[MOVES, (0,)].references == (1,)
    assert (PACKER, ("x",)) in found


def test_rounding_is_no_effect():
    code_SF = np.array([[0], [1]])
    found = contrasts(np.array([[0.1 + 0.2, 0.3], [0.5, 0.5]]), code_SF, [0])
    assert (found.value == 0).all()


@pytest.mark.long
@pytest.mark.parametrize("more", [{"seeds": 5}, {"seeds": 3, "workloads": ("u", "v")}, {"seeds": 1, "windows": 24}])
def test_false_positives_are_as_rare_as_they_should_be(factorial, more, monkeypatch):
    """Null runs, whose windows agree within traces: after correction, about one in twenty has a small p-value.

    Of one trace alone, what all its windows share is no chance: there, windows vary by themselves.
    """
    monkeypatch.setattr(statistics, "RESAMPLES", 100)
    monkeypatch.setattr(gc, "collect", lambda: 0)  # statsmodels calls it in every correction, a tenth of a second
    frame = factorial(nothing, a=(0, 1), **more)
    design, generator, runs = find_design(frame), np.random.default_rng(0), 150
    trace = frame.groupby(["workload", "seed", "variant"]).ngroup().to_numpy()
    significant = judged = 0
    for _ in range(runs):
        shared = generator.normal(size=trace.max() + 1)[trace] if more["seeds"] > 1 else 0
        frame["balancedness_gpu_next"] = 0.8 + 0.01 * (generator.normal(size=len(frame)) + shared)
        found = measure_effects(frame, design, NEXT)
        significant += min(effect.p_holm for effect in found) < 0.05
        judged += any(effect.verdict in (BETTER, WORSE) for effect in found)
    margin = 3 * np.sqrt(0.05 * 0.95 / runs)
    assert judged <= significant, "a verdict needs more than a small p-value"
    assert 0.05 - margin < significant / runs < 0.05 + margin
