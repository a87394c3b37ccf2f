"""The stages of a judgement, each of which a program must pass: what they ask of its differences to the parent.

A program that applies and passes the hard loads places the first windows of every trace, which can only reject it; then
all windows of the training part, on which it gets its verdict; and, if that is ``better``, the held-out part, which
confirms it or does not. Searches see the training part alone. What is chosen as the best of many looks better there
than it is; the held-out part is asked so much, and by so strict a test, that chance does not pass it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evaluator.analysis.columns import HEADLINE, METRICS, OWN_HEADLINE
from evaluator.analysis.paired import Paired, differences, judged
from evaluator.analysis.statistics import FEWEST_UNITS, Estimate, Traces

FIRST = 2
"""Windows of each trace that a program must not be hopeless on."""
HOPELESS = CONFIRMED = 0.001
"""Two-sided p-values: of a loss on the first windows at which a program is given up, and of a gain on the held-out part
at which it is confirmed. A search keeps a few of its candidates in a hundred by chance, which this makes one search in
a hundred or fewer."""

Values = Callable[[str], Traces]
"""From the name of a metric to its values by stratum and trace."""


def compared(own: Values, base: Values) -> Paired:
    """Return how a program differs from its parent in the headline metric, on the windows that both have placed.

    That is balance on the next window, or on the own window where no window has a next one.
    """
    for name in (HEADLINE, OWN_HEADLINE):
        values = own(name)
        found = differences(values, as_far(base(name), values))
        if any(not np.isnan(trace).all() for stratum in found for trace in stratum):
            break
    return judged(found, METRICS[name])


def as_far(base: Traces, own: Traces) -> Traces:
    """Return a parent's values on the windows that a program has placed, which may be the first of each trace."""
    return [
        [theirs[: len(ours)] for theirs, ours in zip(*stratum, strict=True)] for stratum in zip(base, own, strict=True)
    ]


def is_hopeless(own: Values, base: Values) -> bool:
    """Return whether the first windows of a program are so much worse than its parent's that the others cannot help."""
    difference = compared(own, base).difference
    return difference.value < 0 and _is_certain(difference, HOPELESS)


def is_confirmed(held_out: Paired) -> bool:
    """Return whether what was better in training is better on the held-out part, beyond what a search finds by luck."""
    difference = held_out.difference
    return difference.value > 0 and _is_certain(difference, CONFIRMED)


def _is_certain(difference: Estimate, p: float) -> bool:
    """Return whether a difference reaches the floor, and chance gives such a one more rarely than ``p`` says."""
    far = abs(difference.value) >= METRICS[HEADLINE].floor
    return bool(far and difference.units >= FEWEST_UNITS and difference.p < p)
