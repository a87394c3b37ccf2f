"""What windows tell of the traffic behind them: jumps, noise, how it goes on, and how loads are shared out.

Shapes: W windows, L layers, E logical experts.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

from eplb_variants.loads import FloatArray, IntArray

BESIDE = (2, 8)
"""Windows on each side of a possible jump whose means are compared: the fewest and the most."""
DROP = 0.07
"""Correlation that must be lost across a jump beyond what is usual, at least."""
OUTLYING = 6.0
"""How many times more than two ways of dealing the same windows differ: what noise does."""
PART = 0.37
"""Of what the deepest jump loses, at least: a change of subject within a task is none beside a change of task. Chosen
from two recordings with labelled switches, where most of what was no switch lost less and the switches more."""
CALM = 0.25
"""Quantile of what is lost that is usual; a recording may be near a jump for more than half of its windows."""
LAGS = 8
"""Lags over which noise is told from drift."""
LEAST_LAGS = 6
"""Lags without which a drift is not told from chance."""
QUIET = 0.5
"""Of the noise of independent tokens: less is taken for none."""
STAYING = np.arange(0, 0.96, 0.01)
"""Shares of the requests that may go on into the next window."""
LEAST_WINDOWS = 3
"""Windows of a stretch from which something can be said about noise."""


class Noise(NamedTuple):
    """Of counts around what their task has on average; in units of the variance of independent tokens."""

    phi: float
    """Variance of what differs from window to window without a trend: 1 is that of independent tokens, 0 is none."""
    staying: float
    """Correlation of what is in excess of independent tokens from one window to the next, 0 to 1."""
    drift: float
    """What the mean squared difference of two windows, halved, grows by with each window between them."""


def jumps(windows_WLE: IntArray) -> list[int]:
    """Return the windows, in order, with which something else begins; without the first.

    The mean of the windows before and that of those after are correlated, layer by layer; so are the same windows dealt
    in turn, which noise affects alike and a jump does not. A jump is where the first correlation is far lower than the
    second: by far more than in calm stretches, and by more than anywhere near.
    """
    num_windows = len(windows_WLE)
    width = int(np.clip(num_windows // 12, *BESIDE))
    places = np.arange(width, num_windows - width + 1)
    if len(places) < LEAST_WINDOWS:
        return []
    share_WLE = _shares(windows_WLE)
    around = [share_WLE[at - width : at + width] for at in places]
    side = np.arange(2 * width)
    in_order, in_turn, otherwise = (
        np.array([_alike(some[first], some[~first]) for some in around])
        for first in (side < width, side % 2 == 0, (side + 1) // 2 % 2 == 0)
    )
    lost = in_turn - in_order
    usual = float(np.quantile(lost, CALM))
    noise = float(np.median(np.abs(in_turn - otherwise)))
    limit = usual + max(DROP, OUTLYING * noise, PART * (float(lost.max()) - usual))
    highest = [
        at
        for i, at in enumerate(places)
        if lost[i] > limit and lost[i] == lost[max(0, i - width) : i + width + 1].max()
    ]
    return [int(at) for at in highest]


def stretches(windows_WLE: IntArray) -> list[IntArray]:
    """Return the windows from jump to jump, ``[W, L, E]`` each."""
    return [windows_WLE[first:last] for first, last in pairwise([0, *jumps(windows_WLE), len(windows_WLE)])]


def _shares(windows_WLE: IntArray) -> FloatArray:
    used = windows_WLE[:, windows_WLE.any(axis=(0, 2))].astype(float)
    shares: FloatArray = used / np.maximum(used.sum(axis=2, keepdims=True), 1)
    return shares


def _alike(before_WLE: FloatArray, after_WLE: FloatArray) -> float:
    """Return the correlation of the experts' mean shares, averaged over layers; 0 where a layer is even."""
    one, other = (part.mean(axis=0) for part in (before_WLE, after_WLE))
    one, other = (part - part.mean(axis=1, keepdims=True) for part in (one, other))
    norm = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    return float(np.mean((one * other).sum(axis=1) / np.where(norm > 0, norm, np.inf)))


def noise_of(tasks: list[IntArray], top_k: int) -> Noise | None:
    """Return the noise within stretches without a jump; None where none is long enough.

    Half the mean squared difference of two windows ``k`` apart, over the variance of independent tokens, is
    ``1 + (phi - 1) * (1 - staying**k) + drift * k``: a line at long lags, and how much lower the first lags are says
    how much goes on.
    """
    long_enough = [task for task in tasks if len(task) >= LEAST_WINDOWS]
    if not long_enough:
        return None
    most = min(LAGS, max(len(task) for task in long_enough) // 2)
    sums = np.zeros((most, 2))
    for task in long_enough:
        share = _shares(task) * top_k
        tokens_WL1 = task[:, task.any(axis=(0, 2))].sum(axis=2, keepdims=True) / top_k
        mean_LE = share.mean(axis=0)
        independent = (mean_LE * (1 - np.minimum(mean_LE, 1)) / tokens_WL1.mean(axis=0)).sum()
        for lag in range(1, min(most, len(task) // 2) + 1):
            differences = (share[lag:] - share[:-lag]) ** 2 / 2
            sums[lag - 1] += differences.sum(), independent * len(differences)
    return _read_off(sums[:, 0] / sums[:, 1])


def _read_off(half_square: FloatArray) -> Noise:
    """Return the noise whose differences, halved and squared, come nearest to these at the lags 1, 2, ...

    For each share that may go on, least squares above 0; a drift is looked for only where there are lags enough.
    """
    if half_square.mean() < QUIET:
        return Noise(0.0, 0.0, 0.0)
    if len(half_square) < LEAST_WINDOWS:
        return Noise(float(max(half_square.mean(), 1.0)), 0.0, 0.0)
    lag = np.arange(1, len(half_square) + 1)
    columns = 2 if len(lag) >= LEAST_LAGS else 1
    nearest, left = Noise(1.0, 0.0, 0.0), np.inf
    for staying in STAYING:
        basis = np.column_stack([1 - staying**lag, lag])[:, :columns]
        found, missed = nnls(basis, np.maximum(half_square - 1, 0.0))
        if missed < left - 1e-12:
            nearest, left = Noise(1 + float(found[0]), float(staying), float(found[-1]) * (columns == 2)), missed
    return nearest if nearest.phi > 1.05 else nearest._replace(staying=0.0)
