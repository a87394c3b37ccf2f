"""Synthetic loads: skewed, grouped, drifting and noisy as real routers are, the same for the same seed.

The model, per layer ``l``: ``log w = sigma_l * (sqrt(icc) * z_group + sqrt(1 - icc) * z_expert)``, where half of the
variance of each ``z`` drifts from window to window; a token chooses ``top_k`` distinct experts with inclusion
probabilities proportional to ``w``, capped at 1; counts are overdispersed and repaired to exact row sums.

Shapes: W windows, L layers, E logical experts, Q groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from eplb_variants.errors import EplbError, unknown
from eplb_variants.loads import FloatArray, IntArray
from evaluator.workloads.trace import Trace

DRIFTING = 0.5
"""Share of the log-load's variance that changes over time; the rest is what the experts are like."""
DISTRIBUTIONS = ("lognormal", "gamma")


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
        rho: correlation of the drifting part from one window to the next, 0 to 1.
        phi: variance of a count relative to independent routing; 1 for none in excess, 0 for no noise at all.
        domains: kinds of text, each with its own weights.
        domain_correlation: correlation of the log-weights of two domains.
        switch_every: windows before the next domain takes over.
        burst_probability: chance of a burst in a layer and window.
        burst_experts: experts that a burst makes hotter.
        burst_factor: how many times hotter.
        dead_share: share of experts of a layer that never get a token.
        hot_share: share of the tokens that one expert of each layer gets; 0 for no such expert.

    Raises:
        EplbError: a parameter is out of its range.
    """

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
    rho: float = 0.995
    phi: float = 3.0
    domains: int = 1
    domain_correlation: float = 0.0
    switch_every: int = 10
    burst_probability: float = 0.0
    burst_experts: int = 4
    burst_factor: float = 4.0
    dead_share: float = 0.0
    hot_share: float = 0.0

    def __post_init__(self) -> None:
        at_least_one = ("num_layers", "num_experts", "top_k", "num_groups", "tokens", "windows", "domains")
        for name in (*at_least_one, "switch_every", "burst_experts"):
            if getattr(self, name) < 1:
                raise EplbError(f"workload.{name} is {getattr(self, name)}: it must be 1 or more")
        shares = ("icc", "rho", "domain_correlation", "burst_probability", "dead_share", "hot_share")
        for name in shares:
            if not 0 <= getattr(self, name) <= 1:
                raise EplbError(f"workload.{name} is {getattr(self, name)}: it must lie between 0 and 1")
        for name in ("sigma", "sigma_spread", "phi", "burst_factor"):
            if not getattr(self, name) >= 0:
                raise EplbError(f"workload.{name} is {getattr(self, name)}: it must be 0 or more")
        if 0 < self.phi < 1:
            raise EplbError(f"workload.phi is {self.phi}: it must be 0 (no noise) or at least 1")
        if self.distribution not in DISTRIBUTIONS:
            raise unknown("distribution", self.distribution, DISTRIBUTIONS)
        if self.distribution == "gamma" and self.sigma == 0:
            raise EplbError("workload.sigma is 0: it is the shape of the gamma distribution and must be above 0")
        if self.num_experts % self.num_groups:
            raise EplbError(f"{self.num_experts} logical experts do not divide into {self.num_groups} groups")
        if self.top_k > self.num_experts - self._dead:
            raise EplbError(
                f"a token cannot choose {self.top_k} distinct experts among {self.num_experts - self._dead} with load"
            )

    @property
    def _dead(self) -> int:
        return round(self.dead_share * self.num_experts)

    def make(self, seed: int) -> Trace:
        """Return the trace of this scenario for a seed, 0 or more: one step a window.

        Every row sums to ``tokens * top_k`` and no entry exceeds ``tokens``.
        """
        if seed < 0:
            raise EplbError(f"the seed is {seed}: it must be 0 or more")
        generator = np.random.default_rng(seed)
        weight_WLE = self._weights(generator)
        chance_WLE = self._chances(weight_WLE, generator)
        counts = self._counts(chance_WLE, generator)
        if (counts.sum(axis=2) != self.tokens * self.top_k).any():
            raise EplbError(f"workload.sigma is {self.sigma}: so few experts have load that tokens cannot be placed")
        return Trace(
            counts,
            model="synthetic",
            top_k=self.top_k,
            num_groups=self.num_groups,
            tokens_per_step=self.tokens,
            source=f"synthetic, seed {seed}",
        )

    def _weights(self, generator: Generator) -> FloatArray:
        z_WLE = self._normal(generator)
        if self.distribution == "gamma":
            from scipy.special import gammaincinv, ndtr

            shape_L11 = self.sigma * np.exp(self.sigma_spread * generator.standard_normal((self.num_layers, 1)))
            weight_WLE = gammaincinv(shape_L11, ndtr(z_WLE))
        else:
            sigma_L1 = self.sigma + self.sigma_spread * generator.standard_normal((self.num_layers, 1))
            weight_WLE = np.exp(np.maximum(sigma_L1, 0) * z_WLE)
        if self.burst_probability:
            self._burst(weight_WLE, generator)
        if self._dead:
            dead_LE = generator.random((self.num_layers, self.num_experts)).argsort(axis=1) < self._dead
            weight_WLE[:, dead_LE] = 0
        return weight_WLE

    def _normal(self, generator: Generator) -> FloatArray:
        """Return the standard normal ``z [W, L, E]`` of the active domain in each window."""
        active_W = np.arange(self.windows) // self.switch_every % self.domains
        z_WLE = np.sqrt(self.domain_correlation) * self._drifting(generator)
        for domain in range(self.domains):
            own_WLE = np.sqrt(1 - self.domain_correlation) * self._drifting(generator)
            z_WLE[active_W == domain] += own_WLE[active_W == domain]
        return z_WLE

    def _drifting(self, generator: Generator) -> FloatArray:
        """Return a standard normal ``[W, L, E]``: partly the group's, partly fixed, partly an AR(1) in time."""

        def half_fixed(width: int) -> FloatArray:
            step = generator.standard_normal((self.windows, self.num_layers, width))
            for window in range(1, self.windows):
                step[window] = self.rho * step[window - 1] + np.sqrt(1 - self.rho**2) * step[window]
            fixed = generator.standard_normal((self.num_layers, width))
            return np.sqrt(1 - DRIFTING) * fixed + np.sqrt(DRIFTING) * step

        group_WLE = np.repeat(half_fixed(self.num_groups), self.num_experts // self.num_groups, axis=2)
        return np.sqrt(self.icc) * group_WLE + np.sqrt(1 - self.icc) * half_fixed(self.num_experts)

    def _burst(self, weight_WLE: FloatArray, generator: Generator) -> None:
        bursts_WL = generator.random(weight_WLE.shape[:2]) < self.burst_probability
        for window, layer in np.argwhere(bursts_WL):
            experts = generator.choice(self.num_experts, min(self.burst_experts, self.num_experts), replace=False)
            weight_WLE[window, layer, experts] *= self.burst_factor

    def _chances(self, weight_WLE: FloatArray, generator: Generator) -> FloatArray:
        """Return the chance ``[W, L, E]`` that a token chooses an expert; rows sum to ``top_k``."""
        if not self.hot_share:
            return scale_to_sum(weight_WLE, self.top_k, 1.0)
        hot_L = generator.integers(0, self.num_experts, self.num_layers)
        layer_L = np.arange(self.num_layers)
        weight_WLE[:, layer_L, hot_L] = 0
        chance_WLE = scale_to_sum(weight_WLE, self.top_k - self.hot_share, 1.0)
        chance_WLE[:, layer_L, hot_L] = self.hot_share
        return chance_WLE

    def _counts(self, chance_WLE: FloatArray, generator: Generator) -> IntArray:
        total = self.tokens * self.top_k
        drawn_WLE = chance_WLE * self.tokens
        if self.phi > 1 and self.tokens > 1:
            drawn_WLE = self._overdispersed(chance_WLE, generator)
        elif self.phi == 1:
            drawn_WLE = generator.binomial(self.tokens, np.minimum(chance_WLE, 1.0)).astype(float)
        num_drawn_WL1 = np.count_nonzero(drawn_WLE, axis=2, keepdims=True)  # few tokens may not draw top_k experts
        drawn_WLE = np.where(num_drawn_WL1 < self.top_k, chance_WLE * self.tokens, drawn_WLE)
        return round_to_sum(scale_to_sum(drawn_WLE, total, self.tokens), total)

    def _overdispersed(self, chance_WLE: FloatArray, generator: Generator) -> FloatArray:
        """Return beta-binomial counts ``[W, L, E]``: the binomial's mean, ``phi`` times its variance."""
        concentration = max((self.tokens - 1) / (self.phi - 1) - 1, 1e-3)
        open_WLE = (chance_WLE > 0) & (chance_WLE < 1)
        chance = chance_WLE[open_WLE]
        drawn_WLE = chance_WLE * self.tokens
        probability = generator.beta(chance * concentration, (1 - chance) * concentration)
        drawn_WLE[open_WLE] = generator.binomial(self.tokens, np.clip(probability, 0, 1))
        return drawn_WLE


def scale_to_sum(weight: FloatArray, total: float, cap: float) -> FloatArray:
    """Return ``min(cap, c * weight)`` with ``c`` such that each row (last axis) sums to ``total``.

    A row needs at least ``total / cap`` positive weights.
    """
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
