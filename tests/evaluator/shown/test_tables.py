from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evaluator.analysis.score import Score
from evaluator.analysis.summary import summarise
from evaluator.shown.tables import caption_of, summary_grid

SCORE = Score("s", "", "balancedness_gpu_next", "")
BASE = 0.8 + np.random.default_rng(0).normal(0, 0.05, 12)
TIMED = {"place_seconds": 1e-3, "time_ratio_low": 0.9, "time_ratio_high": 1.1, "time_reference": "base"}


@pytest.fixture
def frame(rows):
    """A reference, one better on every window, one worse, one the same."""
    offsets = {"base": 0.0, "up": 0.01, "down": -0.02, "same": 1e-12}
    return pd.DataFrame([row for name, offset in offsets.items() for row in rows(name, BASE + offset)])


@pytest.fixture
def timed(frame):
    """The summary of it with times."""
    return summarise(frame.assign(**TIMED, time_ratio=1.0, timing_valid=True), "base")


def column(grid, title):
    return [row[list(grid.header).index(title)] for row in grid.rows]


def test_the_table_says_it_in_words_and_fits_the_terminal(frame, printed):
    grid = summary_grid(summarise(frame, "base", SCORE), "base", "dsr1[a=1] on t", "s")
    wide = printed(grid, 160)
    for words in ("dsr1[a=1] on t", "+0.0100 [+0.0100, +0.0100]", "no difference", "reference", "score s"):
        assert words in wide
    narrow = printed(grid, 76)
    assert "+0.0100 [+0.0100, +0.0100]" in narrow
    assert "score s" not in narrow.partition("left out")[0]
    assert "score s: use a wider terminal, or --csv FILE" in " ".join(narrow.split())
    assert max(map(len, narrow.splitlines())) <= 76


def test_without_a_next_window_the_own_one_is_the_headline(frame):
    frame["balancedness_gpu_next"] = np.nan
    grid = summary_grid(summarise(frame, "base"), "base", "t")
    assert list(grid.header)[2] == "own"
    assert grid.caption.startswith("own: balancedness of GPUs on the same window")


def test_a_score_that_no_row_has_is_no_column(frame):
    score = Score("s", "", "time_ratio", "")
    assert "score s" not in summary_grid(summarise(frame, "base", score), "base", "t", "s").header


def test_a_time_with_a_reason_to_doubt_it_is_marked_and_the_reason_is_said_once(timed):
    grid = summary_grid(timed.assign(time_trust="disturbed"), "base", "t").fit(300)
    assert all(text.endswith("!") for text in column(grid, "time / base"))
    assert grid.caption.count("!: disturbed") == 1
    assert caption_of(timed.assign(time_trust="disturbed"), "base").endswith("; !: disturbed")


def test_different_reasons_stand_with_their_times(timed):
    reasons = ["disturbed", None, "another machine", None]
    grid = summary_grid(timed.assign(time_trust=reasons), "base", "t").fit(300)
    marks = [text.partition(" (")[2].rstrip(")") or None for text in column(grid, "time / base")]
    assert marks == reasons
    assert "!:" not in grid.caption


def test_no_verdict_on_time_is_no_word(timed):
    grid = summary_grid(timed.assign(time_verdict=None, time_trust=None), "base", "t").fit(300)
    assert column(grid, "time / base")[0] == "1.00 [0.90, 1.10]"


def test_a_variant_that_was_not_measured_everywhere_says_its_windows(rows):
    frame = pd.DataFrame(rows("base", BASE) + rows("base", BASE, workload="hard") + rows("lucky", BASE))
    grid = summary_grid(summarise(frame, "base"), "base", "t")
    assert column(grid, "variant") == ["base", "lucky (12 windows)"]


def test_the_table_marks_the_front_and_ranks(rows):
    frame = pd.DataFrame(
        rows("base", BASE, moved_slots=0.5)
        + rows("calm", BASE - 0.1, moved_slots=0.1)
        + rows("beaten", BASE - 0.2, moved_slots=0.9)
    )
    grid = summary_grid(summarise(frame, "base"), "base", "t")
    assert column(grid, "variant") == ["base", "calm", "beaten"]
    assert column(grid, "#") == ["1", "2", "3"]
    assert column(grid, "front") == ["*", "*", ""]


def test_what_no_placement_can_pass_is_said_and_how_near_each_comes(frame):
    """Of placements that keep groups on their nodes, which the reference does not, it is another."""
    even = frame["variant"].map({"base": 0.999}).fillna(0.91)
    bounded = frame.assign(bound_gpu_next=even, bound_gpu_dispatch_next=1.0)
    bounded["optimality_next"] = bounded["balancedness_gpu_next"] / bounded["bound_gpu_next"]
    summary = summarise(bounded, "base")
    grid = summary_grid(summary, "base", "t")
    assert "no placement passes 0.9990 (0.9100 where groups stay on their nodes) with tokens split" in grid.caption
    assert "nor 1.0000 however they are split" in grid.caption
    same = summary_grid(summarise(bounded.assign(bound_gpu_dispatch_next=even), "base"), "base", "t")
    assert "0.9990 (0.9100 where groups stay on their nodes), however tokens are split" in same.caption
    up = summary.set_index("variant").loc["up"]
    assert up["optimality_next"] == pytest.approx(up["balancedness_gpu_next"] / 0.91)
    assert f"{up['optimality_next']:.1%}" in column(grid, "of limit")
    before = summary_grid(summarise(frame, "base"), "base", "t")
    assert "of limit" not in before.header, "results of before have none"
    assert "no placement" not in before.caption
