"""Synthetic loads: skewed, grouped, drifting and noisy as real routers are, the same for the same seed.

The model, per layer ``l``: ``log w = sigma_l * (sqrt(icc) * z_group + sqrt(1 - icc) * z_expert)``, where half of the
variance of each ``z`` drifts from window to window. Experts beside each other may share a part of their own, and what
is shared may have a heavier upper tail than a normal: a few groups that are really hot. A token chooses ``top_k``
distinct experts with inclusion probabilities proportional to ``w``, capped at 1. Several domains, each with its own
``w``, follow each other or are mixed in shares that drift. Counts have the noise of the requests that the tokens belong
to (``noise.py``) and are repaired to exact row sums.

Shapes: W windows, L layers, E logical experts, Q groups.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.random import Generator

from eplb_variants.errors import EplbError, unknown
from eplb_variants.loads import FloatArray, IntArray
from evaluator.workloads.kept import Kept
from evaluator.workloads.noise import RequestNoise, phi_of_requests
from evaluator.workloads.source import UnusableWorkload, hash_of_files
from evaluator.workloads.trace import Trace, whole_windows

DRIFTING = 0.5
"""Share of the log-load's variance that changes over time; the rest is what the experts are like."""
LONG = 64 << 20
"""Bytes above which a trace is made step by step and kept on disk: some 500 windows of DeepSeek-V3."""
DISTRIBUTIONS = ("lognormal", "gamma")
LIGHTEST = -0.1
"""Of the tails: with less, what is hotter by chance would be colder."""
MIXTURES = ("switch", "blend")


@dataclass(frozen=True)
class Synthetic:
    """Parameters of a scenario; lengths are counts, loads are tokens.

    Args:
        num_layers: MoE layers.
        num_experts: logical experts a layer.
        top_k: distinct experts that a token is routed to.
        num_groups: expert groups that share a part of their load; 1 for none.
        tokens: tokens in a window.
        windows: windows in the trace; each is one step.
        distribution: of the weights, ``lognormal`` (``sigma`` is its log-standard deviation) or ``gamma`` (``sigma``
            is its shape).
        sigma: median of that parameter over layers.
        sigma_spread: its standard deviation over layers; of its logarithm for ``gamma``.
        icc: share of the log-variance that an expert has in common with its group, 0 to 1.
        block: experts beside each other that share a further part; they must divide a group.
        block_icc: share of the log-variance that an expert has in common with its block; with ``icc`` at most 1.
        tail: how much heavier than normal the upper tail of what groups and blocks share is, 0 for not at all: a
            standard normal ``z`` above 0 becomes ``z * exp(tail * z**2 / 2)`` (Tukey's h). The lognormal alone has one.
        own_tail: the same of what each expert has of its own; below 0 for a lighter tail, -0.1 at least.
        rho: correlation of the drifting part from one window to the next, 0 to 1.
        phi: variance of a count relative to independent routing, where ``requests`` is 0; 1 for none in excess, 0 for
            no noise at all.
        requests: requests that have tokens in a window; ``phi`` follows from their number. 0 for noise by ``phi``.
        length_spread: log-standard deviation of the tokens that a request has in a window; 0 where all have as many.
        alike: correlation of two tokens of one request in whether they choose an expert, 0 to 1; .03 to .065 was
            measured on DeepSeek-V2-Lite, the more the shorter the requests.
        staying: share of a window's requests that go on into the next one, and of the noise that goes on with them.
        domains: kinds of text, each with its own weights.
        domain_correlation: correlation of the log-weights of two domains.
        mixture: ``switch``, one domain after the other, or ``blend``, all of them at once.
        switch_every: windows before the next domain takes over.
        mixture_spread: log-standard deviation of a domain's share of a blend; 0 for equal shares.
        mixture_rho: correlation of these log-shares from one window to the next, 0 to 1.
        burst_probability: chance of a burst in a layer and window.
        burst_experts: experts that a burst makes hotter.
        burst_factor: how many times hotter.
        dead_share: share of experts of a layer that never get a token.
        hot_share: share of the tokens that one expert of each layer gets; 0 for no such expert.

    Raises:
        EplbError: a parameter is out of its range.
    """

    located_by: ClassVar[tuple[str, ...]] = ()
    own_name: ClassVar[None] = None
    read_as: ClassVar[None] = None

    num_layers: int = 58
    num_experts: int = 256
    top_k: int = 8
    num_groups: int = 1
    tokens: int = 300_000
    windows: int = 24
    distribution: str = "lognormal"
    sigma: float = 0.68
    sigma_spread: float = 0.0
    icc: float = 0.0
    block: int = 1
    block_icc: float = 0.0
    tail: float = 0.0
    own_tail: float = 0.0
    rho: float = 0.995
    phi: float = 3.0
    requests: int = 0
    length_spread: float = 0.0
    alike: float = 0.045
    staying: float = 0.0
    domains: int = 1
    domain_correlation: float = 0.0
    mixture: str = "switch"
    switch_every: int = 10
    mixture_spread: float = 0.0
    mixture_rho: float = 0.98
    burst_probability: float = 0.0
    burst_experts: int = 4
    burst_factor: float = 4.0
    dead_share: float = 0.0
    hot_share: float = 0.0

    def __post_init__(self) -> None:
        at_least_one = ("num_layers", "num_experts", "top_k", "num_groups", "tokens", "windows", "domains")
        for name in (*at_least_one, "block", "switch_every", "burst_experts"):
            if getattr(self, name) < 1:
                raise EplbError(f"workload.{name} is {getattr(self, name)}: it must be 1 or more")
        shares = ("icc", "block_icc", "rho", "alike", "staying", "domain_correlation", "mixture_rho")
        for name in (*shares, "burst_probability", "dead_share", "hot_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise EplbError(f"workload.{name} is {getattr(self, name)}: it must lie between 0 and 1")
        at_least_zero = ("sigma", "sigma_spread", "tail", "phi", "requests", "length_spread", "mixture_spread")
        for name in (*at_least_zero, "burst_factor"):
            if not getattr(self, name) >= 0:
                raise EplbError(f"workload.{name} is {getattr(self, name)}: it must be 0 or more")
        if 0 < self.phi < 1:
            raise EplbError(f"workload.phi is {self.phi}: it must be 0 (no noise) or at least 1")
        if self.requests > self.tokens:
            raise EplbError(f"workload.requests is {self.requests}: {self.tokens} tokens are one each at most")
        if self.mixture not in MIXTURES:
            raise unknown("mixture", self.mixture, MIXTURES)
        self._check_weights()

    def _check_weights(self) -> None:
        if self.distribution not in DISTRIBUTIONS:
            raise unknown("distribution", self.distribution, DISTRIBUTIONS)
        if self.distribution == "gamma" and self.sigma == 0:
            raise EplbError("workload.sigma is 0: it is the shape of the gamma distribution and must be above 0")
        if self.distribution == "gamma" and (self.tail or self.own_tail):
            raise EplbError("workload.tail and workload.own_tail belong to the lognormal distribution")
        if not self.own_tail >= LIGHTEST:
            raise EplbError(f"workload.own_tail is {self.own_tail}: it must be {LIGHTEST} or more")
        if self._shared > 1:
            raise EplbError(f"workload.icc and workload.block_icc are {self._shared:g} together: at most 1")
        if self.num_experts % self.num_groups:
            raise EplbError(f"{self.num_experts} logical experts do not divide into {self.num_groups} groups")
        if self.num_experts // self.num_groups % self.block:
            raise EplbError(f"workload.block is {self.block}: it does not divide the experts of a group")
        if self.top_k > self.num_experts - self._dead:
            raise EplbError(
                f"a token cannot choose {self.top_k} distinct experts among {self.num_experts - self._dead} with load"
            )

    @property
    def noise(self) -> float:
        """Variance of a count relative to independent routing: ``phi``, or what follows from the requests."""
        if not self.requests:
            return self.phi
        return phi_of_requests(self.tokens, self.requests, self.length_spread, self.alike)

    @property
    def _shared(self) -> float:
        return self.icc + self.block_icc

    @property
    def _dead(self) -> int:
        return round(self.dead_share * self.num_experts)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Steps, layers and experts of the trace."""
        return self.windows, self.num_layers, self.num_experts

    @property
    def seeded(self) -> bool:
        """Whether the counts depend on the seed: those of exactly equal loads do not."""
        uneven = (self.sigma, self.sigma_spread, self.dead_share, self.hot_share, self.burst_probability)
        return any(uneven) or self.noise > 0

    @property
    def is_long(self) -> bool:
        """Whether its trace is too large to be held in memory as a whole."""
        return math.prod(self.shape) * np.dtype(np.int64).itemsize > LONG

    def identity(self, kept: Kept | None = None) -> str:
        """Return the hash of the code that makes the counts."""
        return hash_of_files("synthetic.py", "noise.py")

    def check(self, interval: int) -> None:
        """Raise UnusableWorkload where there is not one whole window of ``interval`` steps."""
        try:
            whole_windows(self.windows, interval)
        except EplbError as error:
            raise UnusableWorkload(str(error)) from None

    def make(self, seed: int) -> Trace:
        """Return the trace of this scenario for a seed, 0 or more: one step a window.

        Every row sums to ``tokens * top_k`` and no entry exceeds ``tokens``.
        """
        return Trace(
            np.stack(list(self.steps(seed))),
            model="synthetic",
            top_k=self.top_k,
            num_groups=self.num_groups,
            tokens_per_step=self.tokens,
            source=f"synthetic, seed {seed}",
        )

    def steps(self, seed: int) -> Iterator[IntArray]:
        """Yield the steps ``[L, E]`` of ``make``'s trace one by one, in memory that does not grow with their number."""
        if seed < 0:
            raise EplbError(f"the seed is {seed}: it must be 0 or more")
        generator = np.random.default_rng(seed)
        spread_L1 = self.sigma_spread * generator.standard_normal((self.num_layers, 1))
        dead_LE = generator.random((self.num_layers, self.num_experts)).argsort(axis=1) < self._dead
        hot_L = generator.integers(0, self.num_experts, self.num_layers)
        domains = self._domains(generator)
        noise = RequestNoise(self.tokens, self.noise, self.staying, generator) if self._is_noisy else None
        for _ in range(self.windows):
            chance_LE = np.zeros((self.num_layers, self.num_experts))
            for share, z_2LE in next(domains):
                weight_LE = self._weights(z_2LE, spread_L1)
                self._burst(weight_LE, generator)
                weight_LE[dead_LE] = 0
                chance_LE += share * self._chances(weight_LE, hot_L)
            counts_LE = self._counts(chance_LE, noise, generator)
            if (counts_LE.sum(axis=1) != self.tokens * self.top_k).any():
                raise EplbError(
                    f"workload.sigma is {self.sigma}: so few experts have load that tokens cannot be placed"
                )
            yield counts_LE

    @property
    def _is_noisy(self) -> bool:
        return self.noise > 1 and self.tokens > 1

    def _domains(self, generator: Generator) -> Iterator[list[tuple[float, FloatArray]]]:
        """Yield for each window its domains: their share of the tokens and their normals ``[2, L, E]``."""
        common = self._drifting(generator)
        owns = [self._drifting(generator) for _ in range(self.domains)]
        shares = self._shares(generator)
        for window in itertools.count():
            common_2LE = np.sqrt(self.domain_correlation) * next(common) if self.domain_correlation else 0.0
            own = [np.sqrt(1 - self.domain_correlation) * next(domain) + common_2LE for domain in owns]
            if self.mixture == "blend":
                yield list(zip(next(shares).tolist(), own, strict=True))
            else:
                yield [(1.0, own[window // self.switch_every % self.domains])]

    def _shares(self, generator: Generator) -> Iterator[FloatArray]:
        """Yield the domains' shares ``[D]`` of a blend: exponentials of AR(1) processes, that sum to 1."""
        log_D = generator.standard_normal(self.domains)
        while True:
            share_D = np.exp(self.mixture_spread * log_D)
            yield share_D / share_D.sum()
            step_D = generator.standard_normal(self.domains)
            log_D = self.mixture_rho * log_D + np.sqrt(1 - self.mixture_rho**2) * step_D

    def _weights(self, z_2LE: FloatArray, spread_L1: FloatArray) -> FloatArray:
        """Return the weights ``[L, E]`` of normals, of what is shared and of the rest, whose variances sum to 1."""
        shared_LE, own_LE = z_2LE
        z_LE = _with_tail(shared_LE, self.tail, self._shared) + _with_tail(own_LE, self.own_tail, 1 - self._shared)
        if self.distribution == "gamma":
            from scipy.special import gammaincinv, ndtr

            return np.asarray(gammaincinv(self.sigma * np.exp(spread_L1), ndtr(z_LE)))
        return np.exp(np.maximum(self.sigma + spread_L1, 0) * z_LE)

    def _drifting(self, generator: Generator) -> Iterator[FloatArray]:
        """Yield normals ``[2, L, E]``, of what is shared and of the rest: partly fixed, partly an AR(1) in time."""
        groups = self._half_fixed(self.num_groups, generator)
        blocks = self._half_fixed(self.num_experts // self.block, generator) if self.block_icc else None
        for own_LE in self._half_fixed(self.num_experts, generator):
            z_2LE = np.empty((2, *own_LE.shape))
            z_2LE[0] = np.sqrt(self.icc) * np.repeat(next(groups), self.num_experts // self.num_groups, axis=1)
            if blocks is not None:
                z_2LE[0] += np.sqrt(self.block_icc) * np.repeat(next(blocks), self.block, axis=1)
            np.multiply(own_LE, np.sqrt(max(1 - self._shared, 0.0)), out=z_2LE[1])
            yield z_2LE

    def _half_fixed(self, width: int, generator: Generator) -> Iterator[FloatArray]:
        fixed = generator.standard_normal((self.num_layers, width))
        moving = generator.standard_normal((self.num_layers, width))
        while True:
            yield np.sqrt(1 - DRIFTING) * fixed + np.sqrt(DRIFTING) * moving
            if self.rho == 1:
                continue
            step = generator.standard_normal((self.num_layers, width))
            moving = self.rho * moving + np.sqrt(1 - self.rho**2) * step

    def _burst(self, weight_LE: FloatArray, generator: Generator) -> None:
        if not self.burst_probability:
            return
        for layer in np.flatnonzero(generator.random(self.num_layers) < self.burst_probability):
            experts = generator.choice(self.num_experts, min(self.burst_experts, self.num_experts), replace=False)
            weight_LE[layer, experts] *= self.burst_factor

    def _chances(self, weight_LE: FloatArray, hot_L: IntArray) -> FloatArray:
        """Return the chance ``[L, E]`` that a token chooses an expert; rows sum to ``top_k``."""
        if not self.hot_share:
            return scale_to_sum(weight_LE, self.top_k, 1.0)
        layer_L = np.arange(self.num_layers)
        weight_LE[layer_L, hot_L] = 0
        chance_LE = scale_to_sum(weight_LE, self.top_k - self.hot_share, 1.0)
        chance_LE[layer_L, hot_L] = self.hot_share
        return chance_LE

    def _counts(self, chance_LE: FloatArray, noise: RequestNoise | None, generator: Generator) -> IntArray:
        total = self.tokens * self.top_k
        drawn_LE = chance_LE * self.tokens
        if noise is not None:
            drawn_LE = noise.counts(chance_LE)
        elif self.noise:
            drawn_LE = generator.binomial(self.tokens, np.minimum(chance_LE, 1.0)).astype(float)
        num_drawn_L1 = np.count_nonzero(drawn_LE, axis=1, keepdims=True)  # few tokens may not draw top_k experts
        drawn_LE = np.where(num_drawn_L1 < self.top_k, chance_LE * self.tokens, drawn_LE)
        return round_to_sum(scale_to_sum(drawn_LE, total, self.tokens), total)


def _with_tail(z: FloatArray, tail: float, variance: float) -> FloatArray:
    """Return normals of mean 0 whose upper tail is heavier than that of a normal, or lighter where ``tail`` is below 0.

    Below 0 nothing changes, and the order is kept: a light tail has a largest value.
    """
    if not tail or variance <= 0:
        return z
    squared = np.maximum(z, 0) ** 2 / variance
    if tail > 0:
        return np.asarray(z * np.exp(tail / 2 * squared))
    largest = np.sqrt(variance / -tail)
    return np.asarray(np.minimum(z, largest) * np.exp(tail / 2 * np.minimum(squared, -1 / tail)))


def scale_to_sum(weight: FloatArray, total: float, cap: float) -> FloatArray:
    """Return ``min(cap, c * weight)`` with ``c`` such that each row (last axis) sums to ``total``.

    A row needs at least ``total / cap`` positive weights.
    """
    whole = weight.sum(axis=-1, keepdims=True)
    factor = total / np.where(whole > 0, whole, np.inf)
    even = (factor * weight.max(axis=-1, keepdims=True) <= cap) & (whole > 0)
    if even.all():  # nothing is capped, so nothing need be sorted
        return factor * weight
    return np.where(even, factor * weight, _scale_and_cap(weight, total, cap))


def _scale_and_cap(weight: FloatArray, total: float, cap: float) -> FloatArray:
    descending = -np.sort(-weight, axis=-1)
    num_capped = np.arange(weight.shape[-1])
    rest = np.cumsum(descending[..., ::-1], axis=-1)[..., ::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = (total - num_capped * cap) / rest
        fits = (factor * descending <= cap) & (rest > 0)
    any_fits = np.any(fits, axis=-1, keepdims=True)
    first = np.where(any_fits, np.argmax(fits, axis=-1, keepdims=True), 0)
    chosen = np.take_along_axis(factor, first, axis=-1)
    return np.where(any_fits, np.minimum(cap, chosen * weight), cap * (weight > 0))


def round_to_sum(real: FloatArray, total: int) -> IntArray:
    """Return whole numbers near ``real`` whose rows sum to ``total``: the largest remainders are rounded up."""
    floor = np.floor(real + 1e-9)
    missing = (total - floor.sum(axis=-1)).astype(np.int64)
    remainder = np.where(real > 0, real - floor, -np.inf)
    by_remainder = np.argsort(-remainder, axis=-1, kind="stable")
    up = np.empty(real.shape, dtype=np.int64)
    np.put_along_axis(up, by_remainder, np.broadcast_to(np.arange(real.shape[-1]), real.shape), axis=-1)
    return floor.astype(np.int64) + (up < missing[..., None])
