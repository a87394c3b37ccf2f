"""What breaking ties does to the mean of the reference, and which verdicts it could have made.

Nothing that a placement is worth depends on what its experts are called, so the spread of a mean over copies of a load
with experts renamed is what ties alone do on that load.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from eplb_variants.loads import FloatArray
from evaluator.analysis.comparison import Comparison, Part
from evaluator.analysis.statistics import BETTER, LEVEL, WORSE


class Ties(NamedTuple):
    """What ties do on a load.

    Attributes:
        title: of the load.
        mean: of the reference, over renamings.
        sd: standard deviation over renamings of its mean over windows.
        largest: difference between two renamings.
        reach: a difference of two renamings is within it 95 times of 100 (Student; the renamings are independent).
        renamings: how many.
        within: variants with a verdict whose difference to the reference is not larger than ``reach``.
    """

    title: str
    mean: float
    sd: float
    largest: float
    reach: float
    renamings: int
    within: tuple[str, ...]


def ties_of(comparison: Comparison, means: Mapping[str, FloatArray]) -> list[Ties]:
    """Return what ties do on each workload of a comparison, and on all that are pooled where there are several.

    Args:
        comparison: what was found.
        means: of the reference by renaming, ``[R]``, two or more, by the title of each part.
    """
    found = [_ties(part, means[part.title]) for part in comparison.parts]
    if comparison.aggregates is not None:
        pooled = set(comparison.overall.rows["cell"])
        together = [means[part.title] for part in comparison.parts if pooled.issuperset(part.rows["cell"])]
        found.append(_ties(comparison.overall, np.mean(together, axis=0)))
    return found


def reach_of(means_R: FloatArray) -> float:
    """Return what a difference of two more renamings is within, 95 times of 100, from means of ``R`` of them."""
    from scipy.special import stdtrit

    return float(stdtrit(means_R.size - 1, (1 + LEVEL) / 2) * np.sqrt(2) * means_R.std(ddof=1))


def _ties(part: Part, means_R: FloatArray) -> Ties:
    reach, summary = reach_of(means_R), part.summary
    said = summary[summary["verdict"].isin([BETTER, WORSE]) & (summary["difference"].abs() <= reach)]
    return Ties(
        part.title,
        float(means_R.mean()),
        float(means_R.std(ddof=1)),
        float(np.ptp(means_R)),
        reach,
        means_R.size,
        tuple(map(str, said["variant"])),
    )
