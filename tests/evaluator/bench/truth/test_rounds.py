"""Made-up rounds: intervals hold what they should, wrong ones do not, and a table is corrected as tables are."""

from __future__ import annotations

import numpy as np
import pytest

from evaluator.analysis.statistics import Estimate
from evaluator.bench.truth import rounds
from evaluator.progress import Silent


@pytest.mark.parametrize("name", rounds.NOISES)
def test_intervals_of_times_hold_the_truth_as_often_as_is_said(name):
    assert 88 <= rounds.coverage_line(name, rounds.NOISES[name], 20, 1, 100).value <= 100


def test_so_do_those_of_means_of_cells():
    assert 86 <= rounds.coverage_line("quiet", rounds.NOISES["quiet"], 20, 3, 50).value <= 100


def test_intervals_that_are_too_narrow_are_found(monkeypatch):
    real = rounds.median_ratio

    def narrow(*arguments):
        found = real(*arguments)
        return Estimate(found.value, found.value * 0.999, found.value * 1.001, found.num)

    monkeypatch.setattr(rounds, "median_ratio", narrow)
    line = rounds.coverage_line("quiet", rounds.NOISES["quiet"], 20, 1, 60)
    assert line.value < 50
    assert not line.met


def test_a_table_without_noise_has_no_wrong_verdict_and_finds_all():
    table = rounds.table_of(np.random.default_rng(0), lambda draw, shape: np.zeros(shape), correct=True)
    assert table == (False, 1.0)


def test_the_correction_only_takes_verdicts_away():
    noise, tables = rounds.NOISES["rough"], {}
    for correct in (False, True):
        draw = np.random.default_rng(3)
        tables[correct] = [rounds.table_of(draw, noise, correct=correct) for _ in range(4)]
    for without, with_it in zip(tables[False], tables[True], strict=True):
        assert with_it.wrong <= without.wrong
        assert with_it.found <= without.found
    assert sum(table.found for table in tables[True]) < sum(table.found for table in tables[False])


def test_lines_say_what_was_made_up(monkeypatch):
    monkeypatch.setattr(rounds, "NOISES", {"quiet": rounds.NOISES["quiet"]})
    lines = rounds.measure_rounds(Silent(), 4)
    assert [line.size.partition(",")[0] for line in lines] == [
        "6 rounds",
        *["20 rounds"] * 1,
        "40 rounds",
        *["20 rounds"] * 4,
    ]
    assert lines[4].size == "20 rounds, mean of 15 cells, quiet, 4 runs"
    assert lines[-1].what == "tables with a verdict on the time of one of 10 equals, corrected"
