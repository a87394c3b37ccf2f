"""A whole ablation, from the rows of runs."""

from __future__ import annotations

import pandas as pd
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


def test_pathological_workloads_are_left_out_where_there_are_others(factorial):
    frame = factorial(effect, seeds=3)
    odd = factorial(lambda a, b: 0.5 * (b == "x"), seeds=3).assign(workload="odd", pooled=False)
    odd["cell"] = odd["cell"] + "-odd"
    study = study_of(pd.concat([frame, odd]), metrics=["balancedness_gpu_next"])
    assert study.set_aside == ("odd",)
    assert "odd" not in set(study.good["workload"])
    (packer,) = [found for found in study.effects if found.factors == ("packer.name",)]
    assert packer.estimate.value == pytest.approx(0.02, abs=0.001)
    assert study_of(odd).set_aside == ()


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ("time_reference", "beside a and b"),
        ("machine", "on 2 machines"),
        ("timing_config", "with 2 timing settings"),
    ],
)
def test_times_of_several_kinds_are_left_out_and_why_is_said(factorial, column, why):
    frame = factorial(effect, seeds=6).assign(time_ratio=1.0, time_reference="a")
    assert "log_time_ratio" in {found.metric for found in study_of(frame).effects}
    frame[column] = frame["seed"].map(lambda seed: "a" if seed else "b")
    study = study_of(frame)
    assert "log_time_ratio" not in {found.metric for found in study.effects}
    assert study.times_left_out == why
    with pytest.raises(EplbError, match=f"they were taken {why}, and such ratios have no mean"):
        study_of(frame, metrics=["log_time_ratio"])
    with pytest.raises(EplbError, match="log_time_ratio was not measured in these runs"):
        study_of(frame.drop(columns="time_ratio").assign(time_ratio=float("nan")), metrics=["log_time_ratio"])
