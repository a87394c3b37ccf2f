"""What runs of known truth say is counted, and held against what is asked for."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from evaluator.analysis.statistics import Estimate
from evaluator.bench.truth import times
from evaluator.bench.truth.times import FACTORS, Found, measure_times
from evaluator.progress import Silent
from evaluator.timing.rounds import Timing


def timing(ratio, half=0.01, **more):
    """Return times with a ratio of an interval of some width."""
    ones = np.ones(20)
    return Timing(ones, ones, 1.0, Estimate(ratio, ratio - half, ratio + half, 20), True, **more)


@pytest.mark.parametrize(
    ("factor", "said", "percent", "met", "words"),
    [
        (1.0, [timing(1.0)] * 19 + [timing(1.1)], 5.0, True, "1 wrong, 0 marked"),
        (1.0, [timing(1.0)] * 18 + [timing(1.1), timing(0.9)], 10.0, False, "2 wrong, 0 marked"),
        (1.0, [timing(1.5, has_core=False)] * 20, 0.0, True, "0 wrong, 20 marked"),
        (1.05, [timing(1.05)] * 19 + [timing(1.05, 0.1)], 95.0, True, "19 found, 0 wrong, 1 marked"),
        (1.05, [timing(1.05)] * 18 + [timing(1.05, 0.1)] * 2, 90.0, False, "18 found, 0 wrong, 2 marked"),
        (1.2, [timing(1.2)] * 19 + [timing(0.9)], 95.0, False, "19 found, 1 wrong, 0 marked"),
        (1.2, [timing(1.2)] * 20, 100.0, True, "20 found, 0 wrong, 0 marked"),
    ],
)
def test_runs_are_counted_and_held_against_the_target(factor, said, percent, met, words):
    found = Found()
    for one in said:
        found.add(one)
    line = found.line("variants", "quiet", factor)
    assert line.value == pytest.approx(percent)
    assert line.met is met
    assert line.size == f"quiet, 20 runs: {words}"
    assert line.ratio is not None
    assert line.ratio.low <= line.ratio.value <= line.ratio.high


def test_there_is_a_line_for_each_truth_quiet_and_busy(monkeypatch):
    """With comparisons that tell the truth at once, and nothing really busy."""
    asked, around = [], []

    @contextlib.contextmanager
    def at_work():
        around.append("begun")
        yield []
        around.append("ended")

    def compare(factor, run):
        asked.append((factor, run))
        return timing(factor)

    monkeypatch.setattr(times, "busy", at_work)
    monkeypatch.setattr(times, "variants", lambda settings: compare)
    monkeypatch.setattr(times, "candidates", lambda settings: contextlib.nullcontext(compare))

    class Settings:
        timing = None

    lines = measure_times(Silent(), 4, Settings())
    assert len(lines) == 2 * 2 * len(FACTORS)
    assert all(line.met for line in lines)
    assert around == ["begun", "ended"] * 2
    assert len(asked) == 2 * len(FACTORS) * (4 + 2)
    assert {line.what for line in lines} >= {"variants: equal", "candidates: 5% slower", "candidates: 20% slower"}
