"""How many candidates a minute: forked from a process that has torch, against a fresh interpreter for each process.

Both do the same work in the same layers of isolation, program by program in turn; only where the process comes from
differs.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np

from evaluator.analysis.statistics import Estimate, median_ratio
from evaluator.bench.line import Line
from evaluator.candidates.judging.trial import try_out
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.candidates.sandbox.worker import Worker
from evaluator.candidates.settings import Settings
from evaluator.progress import Progress


class Rate(NamedTuple):
    """Candidates a minute, and how the two ways compare."""

    forked_per_minute: float
    fresh_per_minute: float
    ratio: Estimate
    """Time of the fresh way over the forked one, paired by program."""
    fork_to_first_call_ms: float
    programs: int


class _Fresh(Sandbox):
    """A sandbox whose every child comes from an interpreter of its own, started for it and ended with it."""

    def fork(self) -> Worker:
        worker = super().fork()  # the first child is the probe of the sandbox itself
        if not hasattr(self, "layers"):
            return worker
        worker.kill()
        own = Sandbox(self.isolation, self.limits)
        worker = own.fork()
        end = worker.kill

        def kill() -> tuple[int, float]:
            ended = end()
            own.close()
            return ended

        worker.kill = kill  # type: ignore[method-assign]
        return worker


def measure_rate(programs: list[Program], settings: Settings, progress: Progress) -> Rate:
    """Return the rate of trying ``programs`` on the settings' workload, one at a time, both ways in turn.

    Raises:
        Invalid: a program does not pass: the benchmark is of honest ones.
    """
    first = settings.training[0]
    seconds: dict[str, list[float]] = {"forked": [], "fresh": []}
    starts = []
    progress.start("both ways", 2 * len(programs))
    with Sandbox(settings.isolation, settings.limits) as forked, _Fresh(settings.isolation, settings.limits) as fresh:
        for number, program in enumerate(programs):
            ways = [("forked", forked), ("fresh", fresh)]
            for name, sandbox in ways if number % 2 else reversed(ways):
                began = time.perf_counter()
                try_out(sandbox, program, settings.training)
                seconds[name].append(time.perf_counter() - began)
                progress.step(f"{program.name}, {name}")
            began = time.perf_counter()
            worker = forked.load(program.source)
            worker.call(first.traces[0][0], first.topology)
            starts.append(time.perf_counter() - began)
            worker.kill()
    ratio = median_ratio(np.array(seconds["fresh"]), np.array(seconds["forked"]))
    rates = {name: 60 / float(np.mean(values)) for name, values in seconds.items()}
    return Rate(rates["forked"], rates["fresh"], ratio, 1e3 * float(np.median(starts)), len(programs))


def measure_candidates(progress: Progress, programs: list[Program], settings: Settings) -> list[Line]:
    """Return the rates of ``measure_rate`` as lines."""
    rate = measure_rate(programs, settings, progress)
    size, unit = f"{rate.programs} programs, one at a time, quality alone", "candidates a minute"
    forked, fresh = "forked from a process with torch", "a fresh interpreter each process"
    against = "times as long as forked"
    return [
        Line("candidates", forked, size, rate.forked_per_minute, unit),
        Line("candidates", fresh, size, rate.fresh_per_minute, unit, rate.ratio, against),
        Line("candidates", "from the fork to the first answer", size, rate.fork_to_first_call_ms, "ms"),
    ]
