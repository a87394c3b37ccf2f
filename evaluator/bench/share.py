"""What a call of a candidate costs beside the program's own time: the judge's and the sandbox's share.

Processes of a program that takes a known time a call are started, asked and ended as a judge does it. All that is not
between a question going out and its answer coming in is the share of the judge and the sandbox: the fork, the layers
of isolation, seeds, frames, checks and the end. What a window's metrics cost is not in it (``eplb bench metrics``).
"""

from __future__ import annotations

import secrets
import time
from typing import Any, NamedTuple

import numpy as np

from evaluator.bench.line import Line
from evaluator.candidates.judging.asking import Process, question
from evaluator.candidates.judging.trial import LOADS
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.candidates.settings import Settings
from evaluator.progress import Progress

MILLISECONDS = (5, 20)
"""That the programs take for a call."""
PROCESSES = 40
MOST_MILLISECONDS, MOST_PERCENT = 60.0, 20.0
"""Of the share of a call, at its 95th percentile; of the share in the time of a program of 20 ms a call."""
PADDED = """{source}

import time as _time

_unpadded = rebalance_experts


def rebalance_experts(*call):
    end = _time.perf_counter() + {seconds}
    answer = _unpadded(*call)
    while _time.perf_counter() < end:
        pass
    return answer
"""


class Share(NamedTuple):
    """What calls cost beside the program's own time.

    Attributes:
        percent: of all time.
        p95_ms: 95th percentile over calls; a process's start belongs to its first call, its end to its last.
        calls: how many.
    """

    percent: float
    p95_ms: float
    calls: int


class _Timed(Process):
    """A process that knows how long each of its answers took."""

    def __init__(self, *given: Any) -> None:
        self.seconds: list[float] = []
        super().__init__(*given)

    def ask(self) -> None:
        """Have the question answered, and note how long that takes."""
        began = time.perf_counter()
        super().ask()
        self.seconds.append(time.perf_counter() - began)


def measure_share(program: Program, settings: Settings, processes: int, progress: Progress) -> Share:
    """Return what the calls of some processes cost beside the program's own time.

    Raises:
        Invalid: the program does not pass: the benchmark is of honest ones.
    """
    draw = np.random.default_rng(secrets.randbits(128))
    stratum = settings.training[0]
    load_LE, topology = stratum.traces[0][0], stratum.topology
    own: list[float] = []
    asked: list[float] = []
    with Sandbox(settings.isolation, settings.limits) as sandbox:
        for _ in range(processes):
            questions = [question(load_LE, topology, draw) for _ in range(LOADS)]
            marks = [time.perf_counter()]
            process = _Timed(sandbox, program, load_LE, topology, draw)
            try:
                marks.append(time.perf_counter())
                for one in questions:
                    process.answer(one)
                    marks.append(time.perf_counter())
            finally:
                process.end()
            marks[-1] = time.perf_counter()
            own += [spent - answer for spent, answer in zip(np.diff(marks), process.seconds, strict=True)]
            asked += process.seconds
            progress.step(program.name)
    percent = 100 * sum(own) / (sum(own) + sum(asked))
    return Share(percent, 1e3 * float(np.quantile(own, 0.95)), len(own))


def measure_shares(progress: Progress, program: Program, settings: Settings) -> list[Line]:
    """Return the share beside programs of ``MILLISECONDS`` a call as lines."""
    progress.start("shares", PROCESSES * len(MILLISECONDS))
    lines = []
    for milliseconds in MILLISECONDS:
        source = PADDED.format(source=program.source, seconds=milliseconds / 1000)
        padded = Program(f"{program.name} of {milliseconds} ms", source)
        share = measure_share(padded, settings, PROCESSES, progress)
        asked_for = milliseconds == max(MILLISECONDS)
        lines += [
            Line(
                "candidates",
                f"judge and sandbox beside a program of {milliseconds} ms a call",
                f"{share.calls} calls",
                share.percent,
                "% of the time",
                target=f"at most {MOST_PERCENT:g}%" if asked_for else "",
                met=share.percent <= MOST_PERCENT if asked_for else None,
            ),
            Line(
                "candidates",
                f"the same, 95th percentile of a call of {milliseconds} ms",
                f"{share.calls} calls",
                share.p95_ms,
                "ms",
                target=f"at most {MOST_MILLISECONDS:g} ms",
                met=share.p95_ms <= MOST_MILLISECONDS,
            ),
        ]
    return lines
