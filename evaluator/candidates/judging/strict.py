"""What the calls of a stranger's program say of its time, whatever it does to have some of them left out.

The estimator of all times (``evaluator/timing/rounds.py``) leaves out what disturbs a call and takes a median, since
what disturbs comes from outside. A program may disturb itself: sleep in its slow calls so that they seem to have lost
their core, or be slow in fewer than half of its processes so that the median does not see them. Both show beside its
parent, which has the same machine at the same time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from evaluator.analysis.statistics import LEVEL, Estimate
from evaluator.timing.rounds import OFF_CORE, Timing, had_core, typical

ALPHA = 1e-3
"""How rarely an honest program may be told to disturb itself."""
SPREAD = 0.01
"""How rarely the times of an honest program may be told to spread more than its parent's."""


def held_to_all(timing: Timing, rounds: Sequence[np.ndarray]) -> Timing:
    """Return a timing that rests on the slow calls of a program too, where it has more of them than its parent.

    Args:
        timing: from the rounds that count.
        rounds: of all rounds, also those drawn again, the calls ``[repeats, 2, 2]``: (program, parent) by (wall, CPU).

    Where calls of the program alone lost their core more often than chance has it, all count, and no verdict rests on
    them. Where its rounds spread more than its parent's, the ratio is that of the means.
    """
    if disturbs_itself(np.concatenate(rounds)):
        times = np.array([calls.mean(axis=0) for calls in rounds])
        ratio = ratio_of_means(times[:, 0, 0], times[:, 1, 0])
        return timing._replace(wall=times[:, 0, 0], cpu=times[:, 0, 1], ratio=ratio, has_core=False)
    times = np.array([typical(calls) for calls in rounds])
    own, other = (times[had_core(times)] if timing.has_core else times)[..., 0].T
    return timing._replace(ratio=ratio_of_means(own, other)) if spreads_more(own, other) else timing


def disturbs_itself(calls: np.ndarray) -> bool:
    """Return whether a program's calls lost their core so much oftener than its parent's that it must be its own doing.

    Args:
        calls: ``[calls, 2, 2]``: (program, parent) by (wall, CPU).

    Whatever comes from outside hits each side so often a second of CPU time; the calls of its parent tell how often.
    Pairs of which both lost their core are left out: what lasts hits both. The number of the program is then binomial,
    as in the test of McNemar.
    """
    lost = calls[..., 0] > OFF_CORE * calls[..., 1]
    own, other = (int(np.sum(lost[:, side] & ~lost[:, 1 - side])) for side in (0, 1))
    if not own:
        return False
    taken = np.maximum(calls[..., 1], 1e-9).mean(axis=0)
    expected = (lost[:, 1].sum() + 0.5) / (len(lost) + 1)
    odds = np.expm1(-np.log1p(-expected) * taken[0] / taken[1]) * (1 - expected) / expected
    return bool(stats.binomtest(own, own + other, odds / (1 + odds), "greater").pvalue < ALPHA)


def spreads_more(own: np.ndarray, other: np.ndarray) -> bool:
    """Return whether times ``[rounds]`` spread more than others, paired by round, by the test of Pitman and Morgan.

    Two variables have the same variance where their sum and their difference are not correlated.
    """
    log_own, log_other = np.log(own), np.log(other)
    total, difference = log_own + log_other, log_own - log_other
    if len(own) < 3 or not np.ptp(difference) or not np.ptp(total):
        return bool(np.ptp(difference) > 0 and np.ptp(log_own) > np.ptp(log_other))
    return bool(stats.pearsonr(total, difference, alternative="greater").pvalue < SPREAD)


def ratio_of_means(own: np.ndarray, other: np.ndarray) -> Estimate:
    """Return the ratio of the means of times ``[rounds]``, with Student's interval of the jackknife over rounds."""
    number = len(own)
    value = float(own.sum() / other.sum())
    if number < 2:
        return Estimate(value, float("nan"), float("nan"), number)
    without = np.log((own.sum() - own) / (other.sum() - other))
    error = float(np.sqrt((number - 1) / number * np.sum((without - without.mean()) ** 2)))
    half = error * float(stats.t.ppf((1 + LEVEL) / 2, number - 1))
    return Estimate(value, float(value * np.exp(-half)), float(value * np.exp(half)), number)
