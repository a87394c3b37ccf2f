"""What is said of times whose truth is known: of equals, of 5% and of 20% slower, on a quiet machine and a busy one.

Every comparison is what a user gets: the rounds, the interval and the verdict of a variant beside its reference, or of
a candidate beside its parent, with the settings of the configuration. "Quiet" is the machine as it is: what others run
on it runs in both halves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

import numpy as np

from eplb_variants import Topology, load_variant
from evaluator.analysis.paired import TIME_WORDS
from evaluator.analysis.statistics import BETTER, WORSE, Estimate
from evaluator.analysis.times import verdict_on_times
from evaluator.bench.line import Line
from evaluator.bench.truth.busy import PROCESSES, busy
from evaluator.bench.truth.slower import slower, slower_program
from evaluator.candidates.judging.timing import time_beside
from evaluator.candidates.judging.trial import try_out
from evaluator.candidates.program import Program, example_program
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.candidates.settings import Settings
from evaluator.progress import Progress
from evaluator.timing.rounds import Timing, time_variants
from evaluator.timing.settings import TimingSettings
from evaluator.workloads.synthetic import Synthetic

FACTORS = (1.0, 1.05, 1.2)
WRONG, FOUND = 0.05, {1.05: 0.95, 1.2: 1.0}
"""Shares that are asked for: of equals with a verdict, at most; of slower ones that are called slower, at least."""
LOAD = Synthetic(num_layers=58, num_experts=256, num_groups=8, icc=0.38, tokens=500_000, windows=4)
TOPOLOGY = Topology(288, 8, 4, 32)
"""The size of DeepSeek-R1, at which ``deepseek`` takes most of a millisecond."""

Compare = Callable[[float, int], Timing]
"""From a factor and the number of a run to the times of something slower by it, beside the same thing."""


@dataclass
class Found:
    """What was said in a number of runs.

    Attributes:
        ratios: of each run.
        verdicts: of each run; None where the time was marked instead, as one that cannot be believed.
    """

    ratios: list[float] = field(default_factory=list)
    verdicts: list[str | None] = field(default_factory=list)

    def add(self, timing: Timing) -> None:
        """Add what a run says."""
        self.ratios.append(timing.ratio.value)
        self.verdicts.append(verdict_on_times(timing.ratio, believed=timing.valid and timing.has_core))

    def line(self, what: str, size: str, factor: float) -> Line:
        """Return it as a line of the benchmark, held against what is asked for."""
        runs, marked = len(self.verdicts), self.verdicts.count(None)
        wrong = sum(said in (BETTER, WORSE) for said in self.verdicts)
        if factor > 1:
            wrong = self.verdicts.count(BETTER)
        right, asked = self.verdicts.count(WORSE), FOUND.get(factor)
        share = wrong / runs if asked is None else right / runs
        said = f"{wrong} wrong, {marked} marked" if asked is None else f"{right} found, {wrong} wrong, {marked} marked"
        low, middle, high = np.quantile(self.ratios, [0.025, 0.5, 0.975])
        return Line(
            "times",
            f"{what}: {'equal' if factor == 1 else f'{factor - 1:.0%} slower'}",
            f"{size}, {runs} runs: {said}",
            100 * share,
            "% wrong" if asked is None else f"% {TIME_WORDS[WORSE]}",
            Estimate(float(middle), float(low), float(high), runs),
            "times as long, in the middle 95% of runs",
            f"at most {WRONG:.0%}" if asked is None else f"{asked:.0%}",
            share <= WRONG if asked is None else share >= asked and wrong == 0,
        )


def measure_times(progress: Progress, runs: int, settings: Settings) -> list[Line]:
    """Return what is said of known times, for variants in ``runs`` comparisons each and for candidates in half as many.

    Args:
        progress: told of every run.
        runs: 2 or more.
        settings: how candidates are judged.
    """
    lines: list[Line] = []
    timing = settings.timing or TimingSettings()
    for name, around in (("quiet", nullcontext), (f"beside {PROCESSES} busy processes", busy)):
        with around():
            lines += _lines("variants", name, runs, progress, variants(timing))
        with candidates(settings) as compare, around():
            lines += _lines("candidates", name, max(runs // 2, 1), progress, compare)
    return lines


def _lines(what: str, size: str, runs: int, progress: Progress, compare: Compare) -> list[Line]:
    """Compare in turn, so that what changes meanwhile changes for all factors."""
    found = {factor: Found() for factor in FACTORS}
    progress.start(f"{what}, {size}", runs * len(FACTORS))
    for run in range(runs):
        for factor, seen in found.items():
            seen.add(compare(factor, run))
            progress.step(f"run {run}, x {factor:g}")
    return [seen.line(what, size, factor) for factor, seen in found.items()]


def variants(timing: TimingSettings) -> Compare:
    """Return how ``deepseek``, slower by a factor, is compared with itself: on a load of its own in each run."""

    def compare(factor: float, run: int) -> Timing:
        one, other = (slower(load_variant("deepseek"), by) for by in (factor, 1.0))
        return time_variants({"one": one}, other, LOAD.make(run).windows(1), TOPOLOGY, timing, run)["one"]

    return compare


@contextmanager
def candidates(settings: Settings) -> Iterator[Compare]:
    """Yield how the example program, slower by a factor, is compared with itself, each in processes of its own."""
    stratum, timing = settings.training[0], settings.timing or TimingSettings()
    programs: dict[float, Program] = {factor: slower_program(example_program(), factor) for factor in FACTORS}
    with Sandbox(settings.isolation, settings.limits) as sandbox:
        trial = try_out(sandbox, programs[1.0], [stratum])

        def compare(factor: float, run: int) -> Timing:
            sides = (programs[factor], trial.seconds), (programs[1.0], trial.seconds)
            return time_beside(sandbox, *sides, stratum, timing, seed=run)

        yield compare
