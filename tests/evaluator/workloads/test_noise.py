"""Counts have the variance and the correlation over time that their requests give them."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from evaluator.workloads.noise import RequestNoise, phi_of_requests
from evaluator.workloads.statistics import lag_correlation
from evaluator.workloads.synthetic import Synthetic

TOKENS, CHANCE, CORRELATION = 4096, 0.125, 0.05


def one_by_one(requests, generator, num_experts=4000):
    """Counts ``[E]`` of one window, request by request: each has a preference of its own, its tokens follow that."""
    concentration = 1 / CORRELATION - 1  # a beta's variance is p (1 - p) / (concentration + 1)
    preferred = generator.beta(CHANCE * concentration, (1 - CHANCE) * concentration, (requests, num_experts))
    return generator.binomial(TOKENS // requests, preferred).sum(axis=0)


@pytest.mark.parametrize("requests", [4, 64, 1024])
def test_the_variance_is_that_of_requests_drawn_one_by_one(requests):
    generator = np.random.default_rng(0)
    phi = phi_of_requests(TOKENS, requests, 0.0, CORRELATION)
    ours = RequestNoise(TOKENS, phi, 0.0, generator).counts(np.full((1, 4000), CHANCE))
    theirs = one_by_one(requests, generator)
    assert ours.mean() == pytest.approx(theirs.mean(), rel=0.03)
    assert ours.var() == pytest.approx(theirs.var(), rel=0.15)  # 4,000 draws each: a standard error of 3%
    assert ours.var() / (TOKENS * CHANCE * (1 - CHANCE)) == pytest.approx(phi, rel=0.1)


def test_lengths_that_differ_make_more_noise_and_one_request_cannot_have_more_than_all():
    """The token-weighted mean of lognormal lengths is exp(spread squared) times their mean."""
    lengths = np.random.default_rng(0).lognormal(0, 1.0, 200_000)
    weighted = (lengths**2).sum() / lengths.sum() / lengths.mean()
    assert phi_of_requests(10_000, 100, 1.0, 0.05) == pytest.approx(1 + 0.05 * (100 * weighted - 1), rel=0.05)
    assert phi_of_requests(10_000, 1, 3.0, 0.05) == 1 + 0.05 * 9_999
    assert phi_of_requests(10_000, 10_000, 0.0, 0.05) == 1


@pytest.mark.parametrize("staying", [0.0, 0.5, 0.9])
def test_noise_goes_on_with_the_requests_and_stays_as_large(staying):
    """Equal experts, so that all that correlates is noise: a share of it stays, a share of that, and so on."""
    made = Synthetic(
        num_layers=24, num_experts=64, top_k=4, sigma=0.0, tokens=50_000, requests=50, staying=staying, windows=40
    )
    windows = made.make(0).windows(1)
    requests_part = 1 - 1 / made.noise
    for lag in (1, 2, 5):
        assert lag_correlation(windows, lag) == pytest.approx(requests_part * staying**lag, abs=0.03)
    variance_W = windows.var(axis=(1, 2)) / (50_000 * 4 / 64 * (1 - 4 / 64))
    assert np.mean(variance_W[:20]) == pytest.approx(made.noise, rel=0.1)
    assert np.mean(variance_W[20:]) == pytest.approx(made.noise, rel=0.1)


def test_requests_that_go_on_keep_to_their_domain():
    """A window after a switch, a share of the tokens still belongs to requests of the domain before."""
    generator = np.random.default_rng(0)
    noise = RequestNoise(10**7, 1.001, 0.75, generator)
    old, new = np.full((1, 8), 0.2), np.full((1, 8), 0.6)
    noise.counts(old)
    shares = [noise.counts(new).mean() / 10**7 for _ in range(3)]
    np.testing.assert_allclose(shares, [0.6 - 0.4 * 0.75**window for window in (1, 2, 3)], atol=0.002)


def test_experts_without_a_chance_stay_without_load_and_certain_ones_get_all():
    chance = np.array([[0.0, 1.0, 0.5]])
    for staying in (0.0, 0.5):
        noise = RequestNoise(1000, 50.0, staying, np.random.default_rng(0))
        for _ in range(3):
            counts = noise.counts(chance)[0]
            assert counts[0] == 0
            assert counts[1] == 1000


def test_memory_does_not_grow_with_requests_or_windows():
    def peak(requests, windows):
        made = Synthetic(num_layers=8, requests=requests, staying=0.5, windows=windows)
        tracemalloc.start()
        for _ in made.steps(0):
            pass
        largest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return largest

    assert peak(100_000, 30) < 1.1 * peak(10, 5)
