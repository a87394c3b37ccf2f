"""Reading an ``expert-load.json``: as a stream into the compact form, beside ``json.load`` and ``torch.tensor``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evaluator.analysis.statistics import median_ratio
from evaluator.bench.line import Line
from evaluator.bench.replay import PEAK
from evaluator.progress import Progress
from evaluator.workloads.kept import SETTLED_NS
from evaluator.workloads.synthetic import Synthetic

ROUNDS = 3
STEP = Synthetic(num_groups=8, sigma_spread=0.133, icc=0.38, rho=0.98, tokens=16_384, windows=40)
"""Steps of DeepSeek-R1-like prefill: a few hundred tokens an expert, with real spread."""
OURS = """
from pathlib import Path
from evaluator.workloads import stream
from evaluator.workloads.kept import Kept
from evaluator.workloads.recorded import Recorded
began = time.perf_counter()
windows = stream(Recorded(sys.argv[1]), 0, int(sys.argv[2]), 0, Kept(Path(sys.argv[3])))
first = windows[0]
"""
THEIRS = """
import json, torch
began = time.perf_counter()
with open(sys.argv[1]) as file:
    data = json.load(file)
counts = torch.tensor([step["logical_expert_load"] for step in data["load_history"]])
first = counts[: int(sys.argv[2])].sum(dim=0)
"""
MEASURE = f"""{PEAK}
import sys, time
CODE
seconds = time.perf_counter() - began
print(seconds, peak(), int(first.sum()))
"""


def measure_recording(
    progress: Progress, megabytes: float = 220.0, interval: int = 100, rounds: int = ROUNDS
) -> list[Line]:
    """Return time and peak memory of reading a recording both ways, and the time of opening it again."""
    progress.start("recording", rounds + 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "expert-load.json"
        write_recording(path, int(megabytes * 1e6))
        time.sleep(SETTLED_NS / 1e9)  # what was just written is not yet remembered
        progress.step("written")
        ours, theirs, again = [], [], []
        for number in range(rounds):
            kept = str(folder / f"kept-{number}")
            ours.append(_measured(OURS, str(path), str(interval), kept))
            again.append(_measured(OURS, str(path), str(interval), kept))
            theirs.append(_measured(THEIRS, str(path), str(interval)))
            assert ours[-1][2] == theirs[-1][2] == again[-1][2], "both ways read the same counts"
            progress.step(f"round {number}")
    seconds, memory, _ = (np.array(column) for column in zip(*ours, strict=True))
    seconds_theirs, memory_theirs, _ = (np.array(column) for column in zip(*theirs, strict=True))
    opened = float(np.median([row[0] for row in again]))
    faster, smaller = median_ratio(seconds_theirs, seconds), median_ratio(memory_theirs, memory)
    size = f"{megabytes:g} MB expert-load.json"
    of = "recording"
    return [
        Line(of, "read and kept", size, float(np.median(seconds)), "s"),
        Line(
            of,
            "json.load and torch.tensor",
            size,
            float(np.median(seconds_theirs)),
            "s",
            faster,
            "times as long",
            "5 times",
            faster.value >= 5,
        ),
        Line(of, "peak memory, read and kept", size, float(np.median(memory)), "MiB"),
        Line(
            of,
            "peak memory, json.load and torch.tensor",
            size,
            float(np.median(memory_theirs)),
            "MiB",
            smaller,
            "times as much",
            "4 times",
            smaller.value >= 4,
        ),
        Line(of, "opened again, from the compact form", size, opened, "s", target="0.2 s or less", met=opened <= 0.2),
    ]


def write_recording(path: Path, size: int) -> None:
    """Write an ``expert-load.json`` of about so many bytes, every step another."""
    base, draw, written = list(STEP.steps(0)), np.random.default_rng(0), 0
    with path.open("w", encoding="ascii") as file:
        written += file.write('{"load_history": [')
        step = 0
        while written < size:
            counts = np.maximum(base[step % len(base)] + draw.integers(-3, 4, base[0].shape), 0)
            record = json.dumps({"logical_expert_load": counts.tolist()})
            written += file.write(f"{', ' if step else ''}{record}")
            step += 1
        file.write("]}")


def _measured(code: str, *arguments: str) -> Sequence[float]:
    command = [sys.executable, "-c", MEASURE.replace("CODE", code), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ})
    return [float(word) for word in done.stdout.split()]
