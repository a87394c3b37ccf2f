"""What is put into made windows is found in them again: jumps, noise, how much goes on, drift."""

from __future__ import annotations

import numpy as np
import pytest

from evaluator.workloads.moments import jumps, noise_of, stretches
from evaluator.workloads.synthetic import Synthetic

SMALL = {"num_layers": 12, "num_experts": 64, "top_k": 6, "tokens": 4096, "rho": 1.0}


def windows(seed=0, **parameters):
    return Synthetic(**{**SMALL, **parameters}).make(seed).windows(1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("correlation", [0.1, 0.6, 0.8])
def test_jumps_are_found_where_they_are(seed, correlation):
    switching = windows(
        seed, domains=3, domain_correlation=correlation, switch_every=12, windows=36, requests=40, alike=0.05
    )
    assert jumps(switching) == [12, 24]
    assert [len(part) for part in stretches(switching)] == [12, 12, 12]
    np.testing.assert_array_equal(np.concatenate(stretches(switching)), switching)


def test_jumps_are_found_where_most_windows_are_near_one():
    """Every place has a jump within three windows: what is usual is read off the calmest quarter."""
    switching = windows(domains=6, domain_correlation=0.1, switch_every=6, windows=36, requests=40, staying=0.5)
    found = jumps(switching)
    assert len(found) == 5
    assert all(abs(jump - round(jump / 6) * 6) <= 1 for jump in found), found


@pytest.mark.parametrize("more", [{"requests": 10}, {"requests": 1000}, {"rho": 0.9}, {"phi": 0.0}])
def test_noise_and_drift_are_no_jumps(more):
    assert jumps(windows(windows=30, **more)) == []


@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_few_windows_have_no_jumps(number):
    assert jumps(windows(windows=number)) == []


@pytest.mark.parametrize("requests", [10, 60, 4096])
def test_noise_is_that_of_the_requests(requests):
    made = Synthetic(**SMALL, requests=requests, windows=60)
    found = noise_of([made.make(0).windows(1)], 6)
    assert found.phi == pytest.approx(made.noise, rel=0.15)  # the row sums are exact, which takes a little away
    assert found.staying == pytest.approx(0.0, abs=0.1)
    assert found.drift == pytest.approx(0.0, abs=0.05 * made.noise)


@pytest.mark.parametrize("staying", [0.3, 0.7])
def test_what_goes_on_is_told_from_what_does_not(staying):
    made = Synthetic(**SMALL, requests=40, staying=staying, windows=200)
    found = noise_of([made.make(0).windows(1)], 6)
    assert found.staying == pytest.approx(staying, abs=0.12)
    assert found.phi == pytest.approx(made.noise, rel=0.2)


def test_drift_is_told_from_noise():
    still, drifting = (noise_of([windows(requests=400, windows=60, rho=rho)], 6) for rho in (1.0, 0.995))
    assert drifting.drift > 10 * max(still.drift, 0.005)


def test_a_stretch_of_two_windows_says_nothing_of_noise():
    assert noise_of([windows(windows=2)], 6) is None
