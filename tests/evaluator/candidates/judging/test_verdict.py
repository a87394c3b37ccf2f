"""What is said of a program from the plain numbers of two trials. Expected numbers are those of the judge before it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.stats import ttest_rel

from evaluator.analysis.columns import METRICS
from evaluator.analysis.score import Score
from evaluator.analysis.statistics import mean_of_series, median_ratio
from evaluator.candidates.judging.hard import Passed
from evaluator.candidates.judging.schema import BETTER, IDENTICAL, NO_DIFFERENCE, TRAINING, WORSE
from evaluator.candidates.judging.trial import Replay, Trial
from evaluator.candidates.judging.verdict import judged_columns, scored_columns
from evaluator.sweep.measure import timing_columns
from evaluator.timing.rounds import Timing
from evaluator.timing.settings import TimingSettings

DEFAULT = "balancedness_gpu_next - 0.01 * log10(time_ratio) - 0.01 * moved_slots"
DRAWN = [name for name in METRICS if "dispatch" not in name]
"""The metrics of the judge that expected numbers are from, in its order."""
SATURATING = "90 * balancedness_gpu_next + 10 * (0.001 / place_seconds).clip(upper=1)"


def row_of(own, parent, formula, times):
    """Return the columns of a row of a program that was judged, scored and maybe timed."""
    row = judged_columns(own, parent)
    return row | scored_columns(row, formula, times)


def score(formula):
    return Score("s", "", formula, "")


def trial(draw, offset):
    """Return what a program did on nine windows: the last has no next one, the first no movement."""
    rows = []
    for window in range(9):
        row = {name: float(draw.uniform(0.6, 0.9) + offset) for name in DRAWN}
        row |= {name: 0.5 for name in METRICS if name not in row}
        if window == 8:
            row |= {name: None for name in METRICS if name.endswith("next")}
        rows.append(row | {"window": window} | ({"moved_slots": None} if window == 0 else {}))
    return tried([[Replay(rows)]], offset)


def tried(replays, offset):
    """Return a trial of which this is what it did; two with another offset place otherwise."""
    return Trial(replays, {(0, 0, 0): str(offset).encode()}, True, Passed(31, ("one GPU",)), 1e-3)


@pytest.fixture
def sides():
    """Return the trials of a program and its parent, and the columns of their times."""
    draw = np.random.default_rng(13)
    parent, own = trial(draw, 0.0), trial(draw, 0.1)
    wall, beside = 1e-3 * draw.uniform(1.2, 1.4, 12), 1e-3 * draw.uniform(0.9, 1.1, 12)
    timing = Timing(wall, wall, 2e-3, median_ratio(wall, beside), True)
    return own, parent, {**timing_columns(timing, TimingSettings(), "p", "k"), "place_cpu_seconds": None}


def test_numbers_and_verdicts_are_those_of_the_windows(sides):
    row = row_of(sides[0], sides[1], score(DEFAULT), sides[2])
    expected = {
        "score": 0.8060390393465274,
        "score_parent": 0.795904929786531,
        "balancedness_gpu_next": 0.8159600161679115,
        "balancedness_gpu_next_parent": 0.8030960100276718,
        "balancedness_gpu_next_difference": 0.012864006140239623,
    }
    own, parent = ([line["balancedness_gpu_next"] for line in side.replays[0][0].rows[:8]] for side in sides[:2])
    expected_difference = mean_of_series([np.subtract(own, parent)])
    assert row["balancedness_gpu_next_difference_low"] == pytest.approx(expected_difference.low)
    assert row["balancedness_gpu_next_difference_high"] == pytest.approx(expected_difference.high)
    assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-12)
    assert (row["verdict"], row["time_verdict"]) == (NO_DIFFERENCE, "slower")
    assert (row["traces"], row["windows"], row["checked_loads"], row["repeats"]) == (1, 9, 31, True)
    assert row["stage"] == TRAINING
    assert (row["portable"], row["fails_on"]) == (False, "one GPU")


def test_traces_weigh_equally_and_their_differences_make_the_interval():
    draw = np.random.default_rng(1)
    replays = [[trial(draw, offset).replays[0][0] for _ in range(4)] for offset in (0.1, 0.0)]
    own, parent = (tried([one], offset) for one, offset in zip(replays, (0.1, 0.0), strict=True))
    row = row_of(own, parent, score(DEFAULT), {})
    means = [np.mean([line["balancedness_gpu_next"] for line in one.rows[:8]]) for one in own.replays[0]]
    others = [np.mean([line["balancedness_gpu_next"] for line in one.rows[:8]]) for one in parent.replays[0]]
    assert row["balancedness_gpu_next"] == pytest.approx(np.mean(means))
    expected = ttest_rel(means, others).confidence_interval()
    assert row["balancedness_gpu_next_difference_low"] == pytest.approx(expected.low)
    assert row["balancedness_gpu_next_difference_high"] == pytest.approx(expected.high)
    assert (row["traces"], row["windows"]) == (4, 36)


def test_a_formula_may_call_methods_of_a_column(sides):
    row = row_of(sides[0], sides[1], score(SATURATING), sides[2])
    assert row["score"] == pytest.approx(80.93497265145142, rel=1e-12)
    assert row["score_parent"] == pytest.approx(82.27864090249047, rel=1e-12)


def test_whoever_did_without_part_of_the_work_is_scored_as_if_it_took_its_parents_time(sides):
    """Nothing is said of its time; where it took longer all the same, that counts."""
    own, parent, times = sides
    row = judged_columns(own, parent)
    for ratio, is_parents in ((0.5, True), (2.0, False)):
        taken = {**times, "time_ratio": ratio, "place_seconds": ratio * times["place_seconds"] / times["time_ratio"]}
        found = scored_columns(row, score("0 * balancedness_gpu_next + log10(time_ratio)"), taken, lean=True)
        assert found["time_verdict"] is None
        assert found["score"] == pytest.approx(0.0 if is_parents else np.log10(2.0))
        assert found["score_parent"] == pytest.approx(0.0)


def test_without_times_a_score_that_needs_them_is_missing(sides):
    row = row_of(sides[0], sides[1], score(DEFAULT), {})
    assert (row["score"], row["score_parent"], row["time_verdict"]) == (None, None, None)
    assert row_of(sides[0], sides[1], score("balancedness_gpu_next"), {})["score"] is not None


def test_the_same_placements_are_said_to_be_the_same(sides):
    """Its numbers are then the parent's, whatever ties it broke otherwise in the labels that it got alone."""
    own, parent, _ = sides
    alike = dataclasses.replace(own, marks={(0, 1): b"a"})
    parent = dataclasses.replace(parent, marks={(0, 1): b"a", (0, 2): b"b"})
    row = row_of(alike, parent, score("moved_slots"), {})
    assert row["verdict"] == IDENTICAL
    assert row["score"] == row["score_parent"]
    assert row["balancedness_gpu_next_difference"] == 0
    hopeless = dataclasses.replace(alike, marks={}, given_up=True)
    assert row_of(hopeless, parent, score("moved_slots"), {})["verdict"] == NO_DIFFERENCE


@pytest.mark.parametrize(
    ("change", "verdict"),
    [({"repeats": False}, NO_DIFFERENCE), ({"marks": {(0, 2): b"c"}}, NO_DIFFERENCE), ({"shift": -0.2}, WORSE)],
)
def test_alike_where_asked_and_otherwise_elsewhere_is_not_the_same(sides, change, verdict):
    own, parent, _ = sides
    shift = change.pop("shift", 0)
    rows = (
        [
            row | {"balancedness_gpu_next": row["balancedness_gpu_next"] and row["balancedness_gpu_next"] + shift}
            for row in parent.replays[0][0].rows
        ]
        if shift
        else own.replays[0][0].rows
    )
    parent = dataclasses.replace(parent, marks={(0, 2): b"b"})
    alike = dataclasses.replace(own, replays=[[Replay(rows)]], marks=parent.marks)
    row = row_of(dataclasses.replace(alike, **change), parent, score("moved_slots"), {})
    assert row["verdict"] == verdict
    assert row["balancedness_gpu_next_difference"] != 0


def test_where_no_window_has_a_next_one_the_own_one_is_judged(sides):
    own, parent, _ = sides
    for row, base in zip(own.replays[0][0].rows, parent.replays[0][0].rows, strict=True):
        for name in METRICS:
            if name.endswith("next"):
                row[name] = base[name] = None
        row["balancedness_gpu_own"] = base["balancedness_gpu_own"] + 0.1
    row = row_of(own, parent, score("balancedness_gpu_own"), {})
    assert row["verdict"] == BETTER
    assert row["balancedness_gpu_next_difference"] is None
