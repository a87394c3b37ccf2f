"""The A/A check: what the bench says of a variant and itself."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from eplb_variants import EplbError, Topology, Variant, load_variant
from eplb_variants.loads import IntArray
from evaluator.analysis.columns import OWN_HEADLINE
from evaluator.analysis.paired import paired, verdict_on_time
from evaluator.analysis.statistics import SAME
from evaluator.progress import Progress
from evaluator.quality.replay import replay
from evaluator.timing.rounds import time_variants
from evaluator.timing.settings import TimingSettings
from evaluator.workloads.renaming import Renamed, renaming
from evaluator.workloads.synthetic import Synthetic

PASS = 0.95
LOAD = Synthetic(num_layers=16, num_experts=64, num_groups=8, icc=0.38, tokens=50_000, windows=8)
TOPOLOGY = Topology(80, 8, 2, 16)
"""Small enough for a call of a few milliseconds, as a check of the bench and not of the variant."""


class SelfTest(NamedTuple):
    """How often two equal things were called equal."""

    runs: int
    time_same: int
    balance_same: int
    lowest_ratio: float
    median_ratio: float
    highest_ratio: float
    valid: bool

    @property
    def passed(self) -> bool:
        """Whether both say "no difference" in at least 95 of 100 runs."""
        return min(self.time_same, self.balance_same) >= PASS * self.runs


def compare_with_itself(name: str, runs: int, rounds: int, progress: Progress) -> SelfTest:
    """Return what ``runs`` comparisons of a variant with itself say, each on a load and a random order of its own.

    Times are of the same load; balance is compared with that on the load with its experts renamed.

    Raises:
        EplbError: an unknown variant, no runs, or fewer than three rounds.
    """
    if runs < 1:
        raise EplbError(f"runs is {runs}: at least one comparison is needed")
    settings = TimingSettings(rounds=rounds, min_rounds=min(rounds, 3))
    ratios, time_same, balance_same, valid = [], 0, 0, True
    progress.start("A/A", runs)
    for seed in range(runs):
        windows_WLE = LOAD.make(seed).windows(1)
        one, other = load_variant(name), load_variant(name)
        timing = time_variants({"one": one}, other, windows_WLE, TOPOLOGY, settings, seed)["one"]
        ratios.append(timing.ratio.value)
        valid = valid and timing.valid
        time_same += verdict_on_time(timing.ratio) == SAME
        balance_same += _balance_verdict(one, windows_WLE, seed) == SAME
        progress.step(f"run {seed}")
    low, median, high = (float(f(ratios)) for f in (np.min, np.median, np.max))
    return SelfTest(runs, time_same, balance_same, low, median, high, valid)


def _balance_verdict(variant: Variant, windows_WLE: IntArray, seed: int) -> str:
    """Return what is said of a variant on a load and on the same load with its experts renamed.

    Names decide where loads tie, and nothing else should.
    """
    _, num_layers, num_experts = windows_WLE.shape
    order_LE = renaming(num_layers, num_experts, TOPOLOGY, np.random.default_rng(seed))
    own, other = (
        np.array([row[OWN_HEADLINE] for row in replay(variant, windows, TOPOLOGY)])
        for windows in (windows_WLE, Renamed(windows_WLE, order_LE))
    )
    return paired([[own]], [[other]]).verdict
