from __future__ import annotations

import pytest

from evaluator.shown.verdicts import verdict_grid

REJECTED = {"candidate": "a", "verdict": "rejected", "same_as": None}
JUDGED = {
    "candidate": "b", "verdict": "better", "balancedness_gpu_next": 0.85, "balancedness_gpu_next_difference": 0.01,
    "balancedness_gpu_next_difference_low": 0.005, "balancedness_gpu_next_difference_high": 0.02, "time_ratio": 1.5,
    "time_ratio_low": 1.4, "time_ratio_high": 1.6, "repeats": False, "score": 0.8, "score_parent": 0.7, "same_as": "c",
}  # fmt: skip


def test_a_document_that_did_not_apply_has_dashes():
    assert verdict_grid([REJECTED, JUDGED]).rows[0] == ["a", "rejected", "-", "-", "-", "-", "-", "-", ""]


def test_a_column_that_says_nothing_of_anything_is_not_there():
    untimed = {**JUDGED, "time_ratio": None, "same_as": None}
    header = ["candidate", "verdict", "next", "vs parent", "repeats", "score", "parent's"]
    assert verdict_grid([untimed]).header == header


def test_a_judged_program_has_numbers_with_their_intervals():
    (row,) = verdict_grid([JUDGED]).rows
    assert row[1:6] == ["better", "0.8500", "+0.0100 [+0.0050, +0.0200]", "1.50 [1.40, 1.60]", "no"]


def test_a_time_without_a_verdict_is_marked_and_the_mark_explained():
    doubtful = verdict_grid([{**JUDGED, "time_verdict": None}, {**JUDGED, "time_verdict": "slower"}, REJECTED])
    assert [row[4] for row in doubtful.rows] == ["1.50 [1.40, 1.60] !", "1.50 [1.40, 1.60]", "-"]
    assert doubtful.caption.endswith("5%")
    assert "!:" not in verdict_grid([{**JUDGED, "time_verdict": "slower"}, REJECTED]).caption


@pytest.mark.parametrize("verdict", ["rejected", "invalid", "timed out", "worse"])
def test_what_is_bad_is_red(printed, verdict):
    assert f"\x1b[31m{verdict}" in printed(verdict_grid([{**REJECTED, "verdict": verdict}]), 80, colours=True)


def test_at_80_columns_the_verdict_and_the_difference_stay(printed):
    text = printed(verdict_grid([JUDGED, REJECTED]), 80)
    assert "+0.0100 [+0.0050, +0.0200]" in text
    assert "use a wider terminal, or --json" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80
