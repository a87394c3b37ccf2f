"""How long a command takes to answer, beside an interpreter that only imports NumPy."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from evaluator.bench.line import Line
from evaluator.progress import Progress
from evaluator.timing.prepare import Prepare
from evaluator.timing.rounds import time_prepared
from evaluator.timing.settings import TimingSettings

SETTINGS = TimingSettings(rounds=9, min_rounds=5, seconds=10.0)
ASKED = {"--help": 0.3, "list": 0.6}
"""Seconds that a command may take."""


def measure_startup(progress: Progress) -> list[Line]:
    """Return the times of the commands that people type to look around."""
    progress.start("startup", 1)

    def calling(*arguments: str) -> Prepare:
        def prepare(number: int) -> Callable[[], object]:
            return lambda: subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)

        return prepare

    commands = {name: calling("-m", "evaluator.cli.main", name) for name in ASKED}
    began = time.perf_counter()
    timings = time_prepared(commands, calling("-c", "import numpy"), SETTINGS, repeats=1)
    progress.step(f"{time.perf_counter() - began:.0f} s")
    lines = []
    for name, timing in timings.items():
        seconds = float(np.median(timing.wall))
        lines.append(
            Line(
                "startup",
                f"eplb {name}",
                "",
                seconds,
                "s",
                timing.ratio,
                "times as long as importing NumPy",
                f"{ASKED[name]:g} s or less",
                seconds <= ASKED[name],
            )
        )
    return lines
