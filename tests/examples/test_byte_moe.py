"""The model behind the recording that ships: routing looks back alone, each layer is balanced, steps are full."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from evaluator.examples.byte_moe.corpus import DOMAINS, MANUAL, Domain
from evaluator.examples.byte_moe.model import ByteMoe, Experts, Size
from evaluator.examples.byte_moe.recording import counts_of, route
from evaluator.examples.byte_moe.traffic import PLAN, TOKENS, Traffic, make_traffic, steady

SMALL = Size(layers=2, experts=8, top_k=2, width=16, hidden=8, heads=2, context=256)
LINES = np.frombuffer(b"Some words.\nMore words, of a longer line.\n" * 50, np.uint8)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return ByteMoe(SMALL)


@pytest.fixture(scope="module")
def traffic():
    return make_traffic([LINES] * len(DOMAINS), [steady("c", 20, "c"), steady("all", 10, *DOMAINS)], default())


def default():
    return np.random.default_rng(0)


def test_experts_are_the_sum_of_small_products_over_those_that_are_chosen():
    torch.manual_seed(0)
    layer, x = Experts(SMALL), torch.randn(5, SMALL.width, requires_grad=True)
    out = layer(x)
    affinity = torch.sigmoid(layer.router(x))
    for token, ids in enumerate(layer.ids_TK):
        gates = affinity[token, ids] / affinity[token, ids].sum()
        parts = [torch.nn.functional.gelu(x[token] @ layer.up_EDH[e]) @ layer.down_EHD[e] for e in ids]
        torch.testing.assert_close(out[token], sum(g * part for g, part in zip(gates, parts, strict=True)))
    assert torch.autograd.gradcheck(lambda x: layer.double()(x), x.detach().double().requires_grad_(), atol=1e-4)


def test_each_layer_moves_its_own_biases_against_its_own_load(model):
    model(torch.zeros(1, 8, dtype=torch.int64))
    for layer in model.layers:
        before = layer.bias_E.clone()
        layer.rebalance(0.5)
        moved = layer.bias_E - before
        assert (moved[layer.load_E > layer.load_E.float().mean()] == -0.5).all()
        assert (moved[layer.load_E == 0] == 0.5).all()
        layer.bias_E.copy_(before)


def test_routing_looks_back_alone(model):
    """So that a request can be computed at once, whatever the steps are."""
    text = torch.from_numpy(LINES[:40].copy()).long()[None]
    model(text)
    whole = [layer.ids_TK for layer in model.layers]
    model(text[:, :25])
    for layer, ids in zip(model.layers, whole, strict=True):
        assert torch.equal(layer.ids_TK, ids[:25])


def test_every_step_is_full_and_a_request_goes_on_until_its_bytes_are_done(traffic):
    assert len(traffic.request_of) == 30 * TOKENS
    lengths = np.bincount(traffic.request_of)
    step_of = np.arange(len(traffic.request_of)) // TOKENS
    for number, request in enumerate(traffic.requests):
        assert lengths[number] <= len(request.text)
        steps = step_of[traffic.request_of == number]
        if steps[-1] < 28:
            assert lengths[number] == len(request.text), "it ends with its text"
            answer = len(request.text) - request.prompt
            assert (np.diff(steps[-answer:]) == 1).all(), "a byte of the answer a step"
    first = {traffic.requests[number].domain for number in traffic.request_of[: 20 * TOKENS]}
    assert first == {list(DOMAINS).index("c")}


def test_counts_are_those_of_the_experts_that_tokens_chose(model, traffic):
    short = Traffic(traffic.requests, traffic.request_of[: 4 * TOKENS], traffic.phase_of[:4])
    ids = route(model, short)
    assert ids.shape == (2, 2, 4 * TOKENS)
    counts = counts_of(ids, 8)
    assert (counts.sum(axis=2) == 2 * TOKENS).all()
    assert counts[1, 0, 3] == np.count_nonzero(ids[0, :, TOKENS : 2 * TOKENS] == 3)


def test_the_plan_has_single_domains_mixtures_and_a_drift():
    assert sum(phase.steps for phase in PLAN) == 800
    shares = [(phase.shares(0), phase.shares(phase.steps - 1)) for phase in PLAN]
    assert any((one == other).all() and one.max() == 1 for one, other in shares)
    assert any(one.max() < 1 for one, _ in shares)
    assert any((one != other).any() for one, other in shares)


def test_manual_pages_are_read_without_their_commands(tmp_path):
    import gzip

    from evaluator.examples.byte_moe.corpus import _read

    (tmp_path / "man1").mkdir()
    source = b".TH LS 1\n.SH NAME\n\\fBls\\fP \\- list\n"
    (tmp_path / "man1" / "ls.1.gz").write_bytes(gzip.compress(source))
    assert _read(Domain("", str(tmp_path), MANUAL, DOMAINS["german"].clean)) == b"ls - list\n"
