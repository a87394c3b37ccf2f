"""Tokens of one request choose alike, and the correlation that they were made with is found again."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import EplbError
from evaluator.workloads.requests import Tokens, alike, loads_by_domain, read_tokens

LAYERS, EXPERTS, LENGTH, REQUESTS = 3, 8, 50, 400


def made(concentration):
    """Return tokens of requests whose preferences are Dirichlet: tokens correlate ``1 / (1 + concentration)``."""
    draw = np.random.default_rng(0)
    ids = np.empty((LAYERS, 1, REQUESTS * LENGTH), int)
    for layer in range(LAYERS):
        chances = draw.dirichlet(np.full(EXPERTS, concentration / EXPERTS), REQUESTS)
        ids[layer, 0] = np.concatenate([draw.choice(EXPERTS, LENGTH, p=chance) for chance in chances])
    request = np.repeat(np.arange(REQUESTS), LENGTH)
    return Tokens(ids, request, np.arange(REQUESTS) % 2, ["a", "b"])


@pytest.mark.parametrize("correlation", [0.03, 0.2])
def test_the_correlation_within_a_request_is_found(correlation):
    found = alike(made(1 / correlation - 1), EXPERTS, 10, 100)
    assert found.requests == REQUESTS
    assert found.correlation == pytest.approx(correlation, rel=0.1)
    assert found.phi == pytest.approx(1 + correlation * (LENGTH - 1), rel=0.1)


def test_what_a_domain_prefers_is_none_of_the_request_within_it():
    """Two domains, each of which always chooses one expert: all of the correlation lies between them."""
    request = np.repeat(np.arange(40), 10)
    domain = np.arange(40) % 2
    tokens = Tokens(np.tile(domain[request], (LAYERS, 1, 1)), request, domain, ["a", "b"])
    assert alike(tokens, 4, 2, 100).correlation == pytest.approx(1)
    assert np.isnan(alike(tokens, 4, 2, 100, within_domain=True).phi), "nothing is left to chance"
    np.testing.assert_array_equal(loads_by_domain(tokens, 4)[:, 0], [[200, 0, 0, 0], [0, 200, 0, 0]])


def test_requests_of_other_lengths_do_not_count():
    assert alike(made(9), EXPERTS, 51, 100).requests == 0


def test_a_recording_may_have_counts_alone(tmp_path):
    np.savez(tmp_path / "counts.npz", counts=np.ones((2, 3, 4), int))
    assert read_tokens(tmp_path / "counts.npz") is None
    (tmp_path / "load.json").write_text("{}")
    assert read_tokens(tmp_path / "load.json") is None


@pytest.mark.parametrize(
    "entry",
    [{"token_request": np.zeros(3, int)}, {"request_domain": np.array([5])}, {"expert_ids": np.zeros((1, 1, 2))}],
)
def test_tokens_that_do_not_fit_together_are_refused(tmp_path, entry):
    good = {
        "expert_ids": np.zeros((1, 1, 2), int),
        "token_request": np.zeros(2, int),
        "request_domain": np.zeros(1, int),
        "domains": np.array(["a"]),
    }
    np.savez(tmp_path / "good.npz", **good)
    assert read_tokens(tmp_path / "good.npz") is not None
    np.savez(tmp_path / "bad.npz", **{**good, **entry})
    with pytest.raises(EplbError, match="do not fit together"):
        read_tokens(tmp_path / "bad.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "good.npz").read_bytes()[:100])
    with pytest.raises(EplbError, match="cannot be read"):
        read_tokens(tmp_path / "cut.npz")
