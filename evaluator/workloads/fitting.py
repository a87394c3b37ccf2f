"""The scenario that comes closest to a recording, by moments: no search over what it is then used for.

What can be read off is read off: jumps, noise, how much goes on (``moments.py``), what groups and neighbours share, how
alike two tasks are. Skew, its spread over layers and the tails of hot groups and experts are those with which made
windows have the Gini coefficients and peaks of the recording: a few rounds of making, measuring and correcting, with
fixed seeds.

Shapes: W windows, L layers, E logical experts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

import numpy as np

from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray
from evaluator.workloads.moments import Noise, jumps, noise_of, stretches
from evaluator.workloads.statistics import describe, gini_of, lag_correlation
from evaluator.workloads.synthetic import DRIFTING, LIGHTEST, Synthetic

FEWEST = 3
"""Windows from which anything can be fitted."""
ROUNDS = 10
"""Of making, measuring and correcting; the last ones change the third digit."""
OF_GROUPS, OF_EXPERTS = 0.5, 0.15
"""By how much a tail changes where the logarithm of its peak is off by 1: about what takes it back."""
FEW = 6
"""Windows of each task that are made for it: skew needs no more."""
SEEDS = 3
"""Traces that are made and measured in each round."""
BLOCK = 8
"""Experts beside each other that may share a part: a GPU's, in most deployments without redundancy."""
MOST_TAIL = 0.5
LEAST_SHARED = 0.02
"""Share of the log-variance below which groups or blocks have nothing in common."""
TOO_FAR = 0.1
"""Part of its value by which the model may miss a statistic, or that much of a correlation, before it is said."""


class Compared(NamedTuple):
    """A statistic of the recording and of the model."""

    what: str
    recording: float
    model: float

    @property
    def missed(self) -> bool:
        """Whether the model does not have it: off by more than a tenth, and by more than .05."""
        off = abs(self.model - self.recording)
        return bool(off > max(TOO_FAR * abs(self.recording), 0.05))


class Fit(NamedTuple):
    """A scenario that was fitted, and how near it comes."""

    model: Synthetic
    compared: list[Compared]
    num_jumps: int


def fit(windows_WLE: IntArray, top_k: int, num_groups: int = 1) -> Fit:
    """Return the scenario whose windows are most like these.

    Args:
        windows_WLE: tokens per expert; layers without load are left out.
        top_k: experts that a token is routed to.
        num_groups: expert groups that may share a part of their load.

    Raises:
        EplbError: there are fewer than 3 windows, or groups or ``top_k`` do not fit the experts.
    """
    windows = windows_WLE[:, windows_WLE.any(axis=(0, 2))]
    if len(windows) < FEWEST:
        raise EplbError(f"{len(windows)} windows are too few to tell noise from change: at least {FEWEST}")
    if num_groups < 1 or windows.shape[2] % num_groups:
        raise EplbError(f"{windows.shape[2]} logical experts do not divide into {num_groups} groups")
    tasks = stretches(windows)
    noise = noise_of(tasks, top_k) or Noise(1.0, 0.0, 0.0)
    start = _read_off(windows, tasks, noise, top_k, num_groups)
    targets = _targets(tasks, start)
    model = _rounded(_corrected(start, targets))
    return Fit(model, _compare(windows, model), len(jumps(windows)))


def _read_off(windows: IntArray, tasks: list[IntArray], noise: Noise, top_k: int, num_groups: int) -> Synthetic:
    """Return the scenario with all that is read off, and a first guess of the rest."""
    num_windows, num_layers, num_experts = windows.shape
    tokens = max(round(float(np.median(windows.sum(axis=2))) / top_k), 1)
    usual = Synthetic()
    of_one = 1 + (noise.phi - 1) / usual.alike
    block = BLOCK if num_experts // num_groups % BLOCK == 0 else 1
    log_TLE = np.log(np.stack([task.sum(axis=0) for task in tasks]) + 0.5)
    icc, block_icc = _in_common(log_TLE, num_groups, block)
    sigma = float(log_TLE.std(axis=2).mean())
    return Synthetic(
        num_layers=num_layers,
        num_experts=num_experts,
        top_k=top_k,
        num_groups=num_groups,
        tokens=tokens,
        windows=num_windows,
        sigma=sigma,
        sigma_spread=0.1 * sigma,
        icc=icc,
        block=block,
        block_icc=block_icc,
        rho=_rho(tasks, noise, top_k),
        phi=1.0 if noise.phi else 0.0,
        requests=int(np.clip(round(tokens / of_one), 1, tokens)) if noise.phi > 1.02 else 0,
        staying=noise.staying,
        domains=len(tasks),
        domain_correlation=_between(tasks, sigma),
        switch_every=max(round(num_windows / len(tasks)), 1),
    )


def _in_common(log_TLE: FloatArray, num_groups: int, block: int) -> tuple[float, float]:
    """Return the shares of the log-variance that groups and that blocks have in common: nested analysis of variance."""
    num_tasks, num_layers, num_experts = log_TLE.shape
    blocks = num_experts // num_groups // block
    log = log_TLE.reshape(num_tasks, num_layers, num_groups, blocks, block)
    in_block = log.mean(axis=4)
    in_group = in_block.mean(axis=3)
    own = log.var(axis=4, ddof=1).mean() if block > 1 else 0.0
    beside = in_block.var(axis=3, ddof=1).mean() if blocks > 1 else own / block
    between = in_group.var(axis=2, ddof=1).mean() if num_groups > 1 else beside / blocks
    of_block = max(beside - own / block, 0.0) if block > 1 else 0.0
    rest = own if block > 1 else beside
    of_group = max(between - beside / blocks, 0.0)
    whole = of_group + of_block + rest
    shares = (of_group / whole, of_block / whole) if whole > 0 else (0.0, 0.0)
    icc, block_icc = (float(share) if share >= LEAST_SHARED else 0.0 for share in shares)
    return icc, block_icc


def _between(tasks: list[IntArray], sigma: float) -> float:
    """Return the correlation of two tasks' log-loads that gives that of their loads, which is lower; at least 0.

    Two lognormals whose logarithms have the variance ``v`` and the correlation ``r`` have the correlation
    ``(exp(v * r) - 1) / (exp(v) - 1)``.
    """
    of_loads = _between_stretches(tasks)
    if len(tasks) < 2 or np.isnan(of_loads):
        return 0.0
    return float(np.log1p(max(of_loads, 0.0) * np.expm1(sigma**2)) / max(sigma**2, 1e-12))


def _rho(tasks: list[IntArray], noise: Noise, top_k: int) -> float:
    """Return the drift: how fast the moving part of the loads must forget to give differences that grow so."""
    mean_TLE = np.stack([task.mean(axis=0) for task in tasks])
    share = mean_TLE / mean_TLE.sum(axis=2, keepdims=True) * top_k
    tokens = mean_TLE.sum(axis=2).mean() / top_k
    independent = (share * (1 - np.minimum(share, 1))).sum() / tokens
    uneven = ((share - share.mean(axis=2, keepdims=True)) ** 2).sum() / max(independent, 1e-300)
    return float(np.clip(1 - noise.drift / max(DRIFTING * uneven, 1e-300), 0.5, 1.0))


class _Targets(NamedTuple):
    """What a model is corrected by."""

    gini: float
    spread: float
    """Standard deviation of the Gini coefficient over layers and tasks."""
    group_peak: float
    peak: float


def _targets(tasks: Sequence[IntArray], model: Synthetic) -> _Targets:
    gini = np.array([gini_of(task).mean(axis=0) for task in tasks])
    parts = model.num_groups if model.num_groups > 1 else model.num_experts // model.block
    found = describe(np.concatenate(tasks), parts)
    return _Targets(float(gini.mean()), float(gini.std()), found.group_max_over_mean, found.max_over_mean)


def _made_targets(model: Synthetic) -> _Targets:
    """Return the means over some traces of a few windows of each task."""
    few = min(model.switch_every, FEW)
    short = replace(model, switch_every=few, windows=few * model.domains)
    made = [_targets(np.split(short.make(seed).windows(1), model.domains), model) for seed in range(SEEDS)]
    return _Targets(*np.mean(made, axis=0).tolist())


def _corrected(model: Synthetic, targets: _Targets) -> Synthetic:
    """Return the model with a skew, its spread and tails with which made windows have the targets."""
    for _ in range(ROUNDS):
        made = _made_targets(model)
        sigma = model.sigma * float(np.clip(targets.gini / max(made.gini, 1e-6), 0.5, 2.0))
        lacking = (targets.spread**2 - made.spread**2) / max(targets.gini, 1e-6) ** 2
        spread = float(np.sqrt(max(model.sigma_spread**2 + sigma**2 * lacking, 0.0)))
        tail = model.tail
        if model.icc + model.block_icc >= LEAST_SHARED:
            tail = float(np.clip(tail + OF_GROUPS * np.log(targets.group_peak / made.group_peak), 0.0, MOST_TAIL))
        own_tail = model.own_tail + OF_EXPERTS * np.log(targets.peak / made.peak)
        own_tail = float(np.clip(own_tail, LIGHTEST, MOST_TAIL))
        model = replace(model, sigma=sigma, sigma_spread=spread, tail=tail, own_tail=own_tail)
    return model


def _rounded(model: Synthetic) -> Synthetic:
    """Return the model with parameters of a length that people can read."""
    names = ("sigma", "sigma_spread", "icc", "block_icc", "tail", "own_tail", "staying", "domain_correlation")
    short = {name: round(getattr(model, name), 3) for name in names}
    return replace(model, **short, rho=round(model.rho, 4))


def _compare(windows: IntArray, model: Synthetic) -> list[Compared]:
    made = [_statistics(model.make(seed).windows(1), model) for seed in range(SEEDS)]
    found = _statistics(windows, model)
    return [Compared(what, value, _mean([one[what] for one in made])) for what, value in found.items()]


def _statistics(windows: IntArray, model: Synthetic) -> dict[str, float]:
    """Return what the recording and its model are compared in."""
    parts = model.num_groups if model.num_groups > 1 else model.num_experts // model.block
    found, tasks = describe(windows, parts, parts), stretches(windows)
    noise = noise_of(tasks, model.top_k) or Noise(1.0, 0.0, 0.0)
    within = [(task, lag) for task in tasks for lag in (1, len(task) // 2) if 0 < lag < len(task)]
    lag_one, lag_far = ([lag_correlation(task, lag) for task, lag in within[i::2]] for i in (0, 1))
    low, middle, high = _noise_of_experts(tasks, model.top_k)
    return {
        "Gini coefficient": found.gini,
        "hottest expert / mean": found.max_over_mean,
        f"hottest of {parts} {'groups' if model.num_groups > 1 else 'blocks'} / mean": found.group_max_over_mean,
        "share of experts without load": found.zero_share,
        "stretches between jumps": float(len(tasks)),
        "correlation of adjacent windows": _mean(lag_one),
        "correlation half a stretch apart": _mean(lag_far),
        "correlation from stretch to stretch": _between_stretches(tasks),
        "noise / independent tokens (phi)": noise.phi,
        "phi of a quiet expert (10%)": low,
        "phi of the median expert": middle,
        "phi of a noisy expert (90%)": high,
        "noise that experts have in common": _common_noise(tasks),
    }


def _mean(values: Sequence[float]) -> float:
    return float(np.nanmean(values)) if len(values) and not np.all(np.isnan(values)) else float("nan")


def _between_stretches(tasks: list[IntArray]) -> float:
    means = [task.mean(axis=0) for task in tasks]
    return _mean([lag_correlation(np.stack(pair), 1) for pair in combinations(means, 2)])


def _noise_of_experts(tasks: list[IntArray], top_k: int) -> FloatArray:
    """Return phi of single experts: the 10%, 50% and 90% quantiles over layers, experts and stretches."""
    found = [np.zeros(0)]
    for task in tasks:
        chance = task.mean(axis=0) / task.sum(axis=2).mean(axis=0)[:, None] * top_k
        expected = task.mean(axis=0) * (1 - np.minimum(chance, 1))
        if len(task) > 2:
            found.append((task.var(axis=0, ddof=1) / np.maximum(expected, 1e-9))[expected > 1])
    values = np.concatenate(found)
    return np.quantile(values, [0.1, 0.5, 0.9]) if values.size else np.full(3, np.nan)


def _common_noise(tasks: list[IntArray]) -> float:
    """Return the share of a layer's noise that lies in one direction; of independent experts it is small."""
    shares = []
    for task in tasks:
        if len(task) > 3:
            noise = (task - task.mean(axis=0)) / np.sqrt(np.maximum(task.mean(axis=0), 1))
            values = np.linalg.svd(noise.transpose(1, 0, 2), compute_uv=False) ** 2
            shares.append(float((values[:, 0] / np.maximum(values.sum(axis=1), 1e-300)).mean()))
    return _mean(shares)
