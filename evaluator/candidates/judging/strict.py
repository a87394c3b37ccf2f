"""What the calls of a stranger's program say of its time, whatever it does to have some of them left out.

The estimator of all times (``evaluator/timing/rounds.py``) takes a median over rounds. Where the system does not tell
how long calls waited for their core, it leaves out those that lost it. A program may disturb itself: sleep in its slow
calls so that they seem to have lost their core, or be slow in fewer than half of its processes so that the median does
not see them. Both show beside its parent, which has the same machine at the same time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from evaluator.analysis.statistics import LEVEL, Estimate, ratio_of_means
from evaluator.timing.rounds import Timing, had_core, typical, whole

ALPHA = 0.005
"""How rarely what was left out of an honest program's calls may be said to matter."""
LEAST = 0.05
"""Logarithm of a ratio by which what was left out must matter."""
SPREAD = 0.01
"""How rarely the times of an honest program may be told to spread more than its parent's."""


def held_to_all(timing: Timing, rounds: Sequence[np.ndarray], *, everything: bool = False) -> Timing:
    """Return a timing that rests on the slow calls of a program too, where it has more of them than its parent has.

    Args:
        timing: from the rounds that count.
        rounds: of all rounds, also those drawn again, the calls ``[repeats, 2, 2]``: (program, parent) by (wall, CPU).
        everything: whether all calls count already, for what they waited for their core is no part of their times.

    Where its rounds spread more than its parent's, the ratio is that of the means. Where calls that lost their core
    make it slower beside its parent than those that are kept say, they are its own doing: all count, and no verdict
    rests on them.
    """
    means = np.array(list(map(whole, rounds)))
    times = means if everything else np.array(list(map(typical, rounds)))
    own, other = (times if everything or not timing.has_core else times[had_core(times)])[..., 0].T
    if spreads_more(own, other):
        timing = timing._replace(ratio=ratio_of_means(own, other))
    ratio = ratio_of_means(means[:, 0, 0], means[:, 1, 0])
    if is_beyond(ratio, timing.ratio.value):
        wall, cpu = means[:, 0].T
        return timing._replace(wall=wall, cpu=cpu, ratio=ratio, has_core=everything)
    return timing


def is_beyond(all_calls: Estimate, kept: float) -> bool:
    """Return whether a ratio of all calls is above that of those kept, by more than chance has it.

    Whatever comes from outside takes as much of each second of either side, and leaves the ratio as it is. The error of
    the logarithm is that of the jackknife, by its interval.
    """
    if all_calls.num < 2 or not kept > 0:
        return False
    error = np.log(all_calls.high / all_calls.value) / stats.t.ppf((1 + LEVEL) / 2, all_calls.num - 1)
    return bool(np.log(all_calls.value / kept) > max(error * stats.t.ppf(1 - ALPHA, all_calls.num - 1), LEAST))


def spreads_more(own: np.ndarray, other: np.ndarray) -> bool:
    """Return whether times ``[rounds]`` spread more than others, paired by round, by the test of Pitman and Morgan.

    Two variables have the same variance where their sum and their difference are not correlated.
    """
    log_own, log_other = np.log(own), np.log(other)
    total, difference = log_own + log_other, log_own - log_other
    if len(own) < 3 or not np.ptp(difference) or not np.ptp(total):
        return bool(np.ptp(difference) > 0 and np.ptp(log_own) > np.ptp(log_other))
    return bool(stats.pearsonr(total, difference, alternative="greater").pvalue < SPREAD)
