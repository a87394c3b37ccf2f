"""A whole ablation, from the rows of runs."""

from __future__ import annotations

import pytest

from eplb_variants import EplbError
from evaluator.analysis.ablation.study import study_of
from evaluator.analysis.statistics import BETTER


def effect(a, b):
    return 0.02 * (b == "y")


def test_a_study_has_factors_and_effects(factorial):
    study = study_of(factorial(effect, seeds=5, noise=1e-4), metrics=["balancedness_gpu_next"])
    assert [factor.name for factor in study.design.factors] == ["fixup.moves", "packer.name"]
    assert [found.verdict for found in study.effects if found.factors == ("packer.name",)] == [BETTER]


def test_failed_cells_do_not_count(factorial):
    frame = factorial(effect, seeds=2)
    frame.loc[frame["seed"] == 0, "status"] = "failed"
    assert study_of(frame).good["seed"].unique().tolist() == [1]
    with pytest.raises(EplbError, match="no cell of these runs was measured"):
        study_of(frame[frame["status"] == "failed"])


@pytest.mark.parametrize("column", ["time_reference", "machine", "timing_config"])
def test_times_of_several_kinds_are_left_out(factorial, column):
    frame = factorial(effect, seeds=6).assign(time_ratio=1.0, time_reference="a")
    assert "log_time_ratio" in {found.metric for found in study_of(frame).effects}
    frame[column] = frame["seed"].map(lambda seed: "a" if seed else "b")
    assert "log_time_ratio" not in {found.metric for found in study_of(frame).effects}
    with pytest.raises(EplbError, match="log_time_ratio was not measured in these runs"):
        study_of(frame, metrics=["log_time_ratio"])
