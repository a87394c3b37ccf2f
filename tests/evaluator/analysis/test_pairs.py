"""All pairs at once are what one pair at a time is; equals share a place, and the front."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evaluator.analysis.alignment import align
from evaluator.analysis.columns import HEADLINE, METRICS
from evaluator.analysis.paired import paired
from evaluator.analysis.pairs import all_pairs, better, places
from evaluator.analysis.summary import summarise

NAMES = ["a", "b", "c", "d"]


def frame_of(rows, draw, shape, offsets, noise=0.01):
    """Return rows of some variants on traces of so many windows, by workload."""
    made = []
    for workload, windows in enumerate(shape):
        for seed, size in enumerate(windows):
            base = draw.uniform(0.5, 0.9) + draw.normal(0, 0.02, size)
            for name, offset in offsets.items():
                made += rows(name, base + offset + draw.normal(0, noise, size), f"w{workload}", seed, moved_slots=0.5)
    return pd.DataFrame(made)


@pytest.mark.parametrize("shape", [[[12]], [[5, 7, 9]], [[30], [4, 6], [9, 9, 9]], [[2]], [[1]]])
def test_a_pair_is_what_it_is_by_itself(rows, shape):
    frame = frame_of(rows, np.random.default_rng(0), shape, dict.fromkeys(NAMES, 0.0))
    aligned = align(frame, HEADLINE)
    pairs = all_pairs(aligned, NAMES)
    for i, one in enumerate(NAMES):
        for j, other in enumerate(NAMES):
            alone = paired(aligned.series(one), aligned.series(other)).difference
            assert pairs.difference[i, j] == pytest.approx(alone.value, abs=1e-12)
            assert pairs.units[i, j] == pytest.approx(alone.units)
            assert pairs.p[i, j] == pytest.approx(min(alone.p * 6, 1), nan_ok=True)


def test_windows_that_nobody_has_a_next_one_of_are_left_out(rows):
    frame = frame_of(rows, np.random.default_rng(1), [[12]], dict.fromkeys(NAMES, 0.0))
    frame.loc[frame["window"] == 11, HEADLINE] = np.nan
    pairs = all_pairs(align(frame, HEADLINE), NAMES)
    assert np.isfinite(pairs.difference).all()


def test_what_nobody_has_compares_with_nobody(rows):
    frame = frame_of(rows, np.random.default_rng(1), [[12]], dict.fromkeys(NAMES, 0.0))
    frame[HEADLINE] = np.nan
    assert not better(all_pairs(align(frame, HEADLINE), NAMES), METRICS[HEADLINE]).any()


def test_places_are_shared_where_the_difference_says_nothing(rows):
    offsets = {"a": 0.05, "b": 0.05, "c": 0.0, "d": -0.05}
    frame = frame_of(rows, np.random.default_rng(2), [[24], [24]], offsets)
    aligned = align(frame, HEADLINE)
    assert places(better(all_pairs(aligned, NAMES), METRICS[HEADLINE])).tolist() == [1, 1, 3, 4]
    assert places(better(all_pairs(align(frame, "moved_slots"), NAMES), METRICS["moved_slots"])).tolist() == [1] * 4


@pytest.mark.long
def test_twenty_equals_share_the_first_place_and_the_front_and_none_gets_a_verdict(rows):
    """In most of 20 tables, each of the three in 95%: by chance the best and the worst of twenty are far apart."""
    draw, clean = np.random.default_rng(3), 0
    for _ in range(20):
        frame = frame_of(rows, draw, [[8] * 5], {f"v{i:02}": 0.0 for i in range(21)}, noise=0.005)
        table = summarise(frame, "v00")
        clean += bool(
            (table["verdict"] == "no difference").all() and (table["rank"] == 1).all() and table["front"].all()
        )
    assert clean >= 17
