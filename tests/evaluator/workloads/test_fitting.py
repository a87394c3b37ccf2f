"""What was made is fitted by nearly what it was made from, and what cannot be reproduced is said."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import EplbError
from evaluator.workloads.fitting import Compared, fit
from evaluator.workloads.readers import read_trace
from evaluator.workloads.shipped import shipped_recordings
from evaluator.workloads.statistics import describe
from evaluator.workloads.synthetic import Synthetic

MADE = Synthetic(
    num_layers=24,
    num_experts=128,
    top_k=8,
    num_groups=4,
    tokens=8192,
    windows=36,
    sigma=0.7,
    sigma_spread=0.1,
    icc=0.3,
    rho=1.0,
    requests=100,
    staying=0.4,
    domains=3,
    domain_correlation=0.5,
    switch_every=12,
)


@pytest.fixture(scope="module")
def fitted():
    return fit(MADE.make(7).windows(1), 8, 4)


def test_parameters_are_found_again(fitted):
    model = fitted.model
    for name in ("num_layers", "num_experts", "top_k", "num_groups", "tokens", "windows", "domains", "switch_every"):
        assert getattr(model, name) == getattr(MADE, name), name
    assert model.distribution == "lognormal"
    assert model.noise == pytest.approx(MADE.noise, rel=0.3)  # what goes on after a jump is noise with a trend
    assert model.sigma == pytest.approx(MADE.sigma, rel=0.1)
    assert model.icc == pytest.approx(MADE.icc, abs=0.12)  # of 4 groups in 24 layers and 3 domains
    assert model.domain_correlation == pytest.approx(MADE.domain_correlation, abs=0.12)
    assert fitted.num_jumps == 2


def test_the_fit_has_the_statistics_of_what_it_was_fitted_to(fitted):
    by_name = {line.what: line for line in fitted.compared}
    for name in ("Gini coefficient", "hottest of 4 groups / mean", "correlation of adjacent windows"):
        assert not by_name[name].missed, by_name[name]
    real = describe(MADE.make(7).windows(1), 4)
    assert by_name["Gini coefficient"].recording == pytest.approx(real.gini)
    assert by_name["hottest expert / mean"].recording == pytest.approx(real.max_over_mean)


def test_the_same_windows_have_the_same_fit(fitted):
    assert fit(MADE.make(7).windows(1), 8, 4) == fitted


def test_a_layer_without_load_is_left_out():
    windows = Synthetic(num_layers=4, num_experts=16, top_k=2, tokens=1000, windows=6).make(0).windows(1)
    dense = np.concatenate([np.zeros_like(windows[:, :1]), windows], axis=1)
    assert fit(dense, 2).model == fit(windows, 2).model


def test_equal_loads_without_noise_have_none_in_the_model():
    model = fit(np.full((6, 3, 16), 100), 2).model
    assert describe(model.make(0).windows(1)).gini < 0.01


@pytest.mark.parametrize(
    ("windows", "groups", "says"),
    [(2, 1, "2 windows are too few"), (6, 3, "16 logical experts do not divide into 3"), (6, 0, "into 0 groups")],
)
def test_what_cannot_be_fitted_is_refused(windows, groups, says):
    with pytest.raises(EplbError, match=says):
        fit(np.full((windows, 3, 16), 100), 2, groups)


def test_what_is_missed_is_more_than_a_tenth_and_more_than_a_twentieth():
    assert Compared("", 4.0, 4.5).missed
    assert not Compared("", 4.0, 4.3).missed
    assert not Compared("", 0.1, 0.14).missed
    assert not Compared("", float("nan"), 0.1).missed


def test_the_recording_that_ships_is_fitted_with_its_jumps_and_what_is_missed_is_said():
    found = fit(read_trace(shipped_recordings()["byte_moe"]).windows(16), 4)
    assert found.num_jumps == 4, "of five switches, one into a mixture"
    by_name = {line.what: line for line in found.compared}
    for name in ("Gini coefficient", "hottest expert / mean", "correlation of adjacent windows"):
        assert not by_name[name].missed, by_name[name]
    assert by_name["noise that experts have in common"].missed, "experts are noisy by themselves in the model"


@pytest.mark.extra
def test_a_real_recording_is_fitted_with_its_jumps_and_what_is_missed_is_said(extra):
    path = extra("workloads/deepseek_v2_lite.npz")
    found = fit(read_trace(path).windows(16), 6)
    assert (found.model.domains, found.model.switch_every) == (4, 8), "four tasks of 128 to 132 steps"
    by_name = {line.what: line for line in found.compared}
    assert not by_name["Gini coefficient"].missed
    assert by_name["noise that experts have in common"].missed, "experts are noisy by themselves in the model"
