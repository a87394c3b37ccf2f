"""What a recording is like, in the figures by which recordings and scenarios are compared.

Shapes: S steps, W windows, L layers, E logical experts, D domains.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np

from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray
from evaluator.bench.compositions import balances, composed, machine_for
from evaluator.workloads.moments import noise_of, stretches
from evaluator.workloads.requests import Tokens, alike, loads_by_domain
from evaluator.workloads.statistics import describe, gini_of, lag_correlation
from evaluator.workloads.trace import in_windows, whole_windows

RANKS = 8
"""GPUs that hold the experts in order, where these divide."""
FAR = (1, 4, 8)
"""Lags at which windows are compared."""
LENGTHS = ((10, 19), (20, 39), (40, 79), (80, 159), (160, 399), (400, 3000))
"""Tokens of a request, from and to."""
PURE = 0.9
"""Share of a step's tokens from which on it is of one domain."""
FEWEST = 10
"""Requests of a length from which something can be said of it."""


class Fact(NamedTuple):
    """A figure."""

    what: str
    value: float


def facts(steps_SLE: IntArray, interval: int, top_k: int, tokens: Tokens | None = None) -> list[Fact]:
    """Return what a recording is like.

    Args:
        steps_SLE: its steps.
        interval: steps in a window.
        top_k: experts that a token is routed to.
        tokens: its tokens, if they are known.

    Raises:
        EplbError: there is no load, or not one whole window.
    """
    used_SLE = steps_SLE[:, steps_SLE.any(axis=(0, 2))]
    if not used_SLE.size:
        raise EplbError("the recording has no step with load")
    whole_windows(len(used_SLE), interval)
    windows_WLE = in_windows(used_SLE, interval)
    found = [*_skew(used_SLE, windows_WLE), *_in_time(stretches(windows_WLE), top_k)]
    if tokens is not None:
        runs = [in_windows(run, interval) for run in _of_one_domain(tokens, used_SLE)]
        found += [Fact(f"correlation within one domain, lag {lag}", _within(runs, lag)) for lag in FAR[:2]]
        found += _of_requests(tokens, used_SLE.shape[2])
    return found


def _skew(steps_SLE: IntArray, windows_WLE: IntArray) -> Iterator[Fact]:
    num_experts = windows_WLE.shape[2]
    ranks = RANKS if num_experts % RANKS == 0 else 1
    found = describe(windows_WLE, 1, ranks)
    yield Fact("Gini coefficient", found.gini)
    gini_L = gini_of(windows_WLE).mean(axis=0)
    yield Fact("Gini coefficient of the most even layer", float(gini_L.min()))
    yield Fact("Gini coefficient of the least even layer", float(gini_L.max()))
    yield Fact("Gini coefficient of all steps together", float(gini_of(steps_SLE.sum(axis=0)).mean()))
    yield Fact("hottest expert / mean", found.max_over_mean)
    yield Fact(f"hottest of {ranks} GPUs / mean, in order", found.rank_max_over_mean)
    yield Fact("share of experts without load", found.zero_share)
    made = balances(composed("last"), windows_WLE, machine_for(num_experts))
    yield Fact("own balancedness of deepseek", float(made.own_W.mean()))
    yield Fact("next balancedness of deepseek", float(made.next_W.mean()) if len(made.next_W) else float("nan"))


def _in_time(parts: list[IntArray], top_k: int) -> Iterator[Fact]:
    """Yield what windows have in common, within the stretches between jumps and from one to another."""
    yield Fact("stretches between jumps", float(len(parts)))
    for lag in FAR:
        yield Fact(f"correlation within a stretch, lag {lag}", _within(parts, lag))
    means = [part.mean(axis=0) for part in parts]
    yield Fact("correlation from stretch to stretch", _mean(_correlations(means)))
    noise = noise_of(parts, top_k)
    yield Fact("noise / independent tokens (phi)", noise.phi if noise else float("nan"))


def _of_one_domain(tokens: Tokens, steps_SLE: IntArray) -> Iterator[IntArray]:
    """Yield the steps of each run in which nearly all tokens are of one domain; none where steps differ in length."""
    if len(tokens.token_request) % len(steps_SLE):
        return
    domain_SN = tokens.request_domain[tokens.token_request].reshape(len(steps_SLE), -1)
    share_SD = np.stack([(domain_SN == domain).mean(axis=1) for domain in range(len(tokens.domains))], axis=1)
    which_S = np.where(share_SD.max(axis=1) >= PURE, share_SD.argmax(axis=1), -1)
    bounds = [0, *(np.flatnonzero(np.diff(which_S)) + 1).tolist(), len(which_S)]
    for first, last in pairwise(bounds):
        if which_S[first] >= 0:
            yield steps_SLE[first:last]


def _of_requests(tokens: Tokens, num_experts: int) -> Iterator[Fact]:
    length_R = np.bincount(tokens.token_request, minlength=len(tokens.request_domain))
    yield Fact("requests", float(len(length_R)))
    yield Fact("tokens of a request, median", float(np.median(length_R)))
    between = _correlations([*loads_by_domain(tokens, num_experts).astype(float)])
    yield Fact("correlation of two domains, least", min(between, default=float("nan")))
    yield Fact("correlation of two domains, mean", _mean(between))
    yield Fact("correlation of two domains, most", max(between, default=float("nan")))
    for shortest, longest in LENGTHS:
        for within in (False, True):
            found = alike(tokens, num_experts, shortest, longest, within)
            if found.requests >= FEWEST:
                how = "its domain" if within else "all tokens"
                of = f"requests of {shortest} to {longest} tokens, around {how}"
                yield Fact(f"phi of {of}", found.phi)
                yield Fact(f"correlation within {of}", found.correlation)


def _correlations(loads: list[FloatArray]) -> list[float]:
    """Return the correlation of each two loads ``[L, E]``, a mean over layers."""
    found = [lag_correlation(np.stack(pair), 1) for pair in combinations(loads, 2)]
    return [value for value in found if not np.isnan(value)]


def _within(parts: list[IntArray], lag: int) -> float:
    return _mean([lag_correlation(part, lag) for part in parts if len(part) > lag])


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
