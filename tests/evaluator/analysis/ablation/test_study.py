"""A whole ablation, from the rows of runs."""

from __future__ import annotations

import pytest

from eplb_variants import EplbError
from evaluator.analysis.ablation.study import study_of
from evaluator.analysis.statistics import BETTER


def effect(a, b):
    return 0.02 * (b == "y")


def test_a_study_has_factors_effects_and_extent(factorial):
    study = study_of(factorial(effect, seeds=5, noise=1e-4).assign(run="r"), names=["balancedness_gpu_next"])
    assert [factor.name for factor in study.design.factors] == ["fixup.moves", "packer.name"]
    assert [found.verdict for found in study.effects if found.factors == ("packer.name",)] == [BETTER]
    assert study.extent == (5, 1)
    assert study.extent.over == "over 5 traces and their windows"
    assert study.time_notes == []


def test_failed_cells_do_not_count(factorial):
    frame = factorial(effect, seeds=2).assign(run="r")
    failed = frame.head(1).assign(status="failed", variant="broken")
    assert study_of(frame, names=["balancedness_gpu_next"]).effects
    with pytest.raises(EplbError, match="no cell of r was measured"):
        study_of(failed)


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ("time_reference", "beside a and b"),
        ("machine", "on 2 machines"),
        ("timing_config", "with 2 timing settings"),
    ],
)
def test_times_of_several_kinds_are_left_out_and_that_is_said(factorial, column, reason):
    frame = factorial(effect, seeds=6).assign(run="r", time_ratio=1.0, time_reference="a", timing_valid=True)
    frame[column] = frame["seed"].map(lambda seed: "a" if seed else "b")
    study = study_of(frame)
    assert "log_time_ratio" not in {found.metric for found in study.effects}
    assert study.time_notes == [f"times are left out, for they were taken {reason}, and such ratios have no mean"]


def test_times_that_were_not_alone_are_counted(factorial):
    frame = factorial(effect, seeds=6).assign(run="r", time_ratio=1.0, time_reference="a", timing_valid=True)
    frame.loc[frame["seed"] == 0, "timing_valid"] = False
    assert study_of(frame).time_notes == ["6 of 36 times were not taken alone on the machine"]
