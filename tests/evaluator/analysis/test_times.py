"""Ratios of different kinds are never averaged, and what is doubtful in a time is said."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from evaluator.analysis.paired import TIME_WORDS
from evaluator.analysis.statistics import SAME, UNSURE, WORSE, Estimate, median_ratio
from evaluator.analysis.summary import notes_on, summarise, time_notes
from evaluator.analysis.times import CONTROL, mean_ratio, time_reference_of, verdict_on_times, why_not_averaged

VALUES = 0.8 + np.random.default_rng(0).normal(0, 0.05, 8)
AGAIN = "eplb evaluate ... reference={} measure=time refresh=true takes them again"


@pytest.fixture
def timed(rows):
    """Return a function that makes the rows of a cell that was timed."""

    def of(variant, ratio, beside, workload="w", low=0.99, high=1.01, **more):
        ends = {"time_ratio_low": low * ratio, "time_ratio_high": high * ratio}
        times = {"time_ratio": ratio, **ends, "place_seconds": 1e-3 * ratio, "time_reference": beside}
        return rows(variant, VALUES, workload, **{**times, "timing_valid": True, **more})

    return of


def summary_of(*cells, reference="deepseek"):
    return summarise(pd.DataFrame([row for cell in cells for row in cell]), reference).set_index("variant", drop=False)


def test_ratios_to_different_references_have_no_mean(timed):
    """One run, two commands: one workload timed beside deepseek, another beside parent."""
    table = summary_of(
        timed("deepseek", 1.0, "deepseek"),
        timed("parent", 1.42, "deepseek"),
        timed("deepseek", 0.7, "parent", "other"),
        timed("parent", 1.0, "parent", "other"),
        reference="parent",
    )
    assert table["time_ratio"].isna().all()
    assert table["time_verdict"].isna().all()
    assert table["place_seconds"].notna().all(), "seconds do not depend on what stood beside"
    assert time_notes(table, "parent") == [
        "times are left out, because they were taken beside deepseek and parent, and such ratios have no mean: "
        + AGAIN.format("parent")
    ]


def test_only_the_variants_of_another_kind_are_left_out(timed):
    table = summary_of(
        timed("deepseek", 1.0, "deepseek"), timed("fast", 0.5, "deepseek"), timed("late", 1.5, "another")
    )
    assert table["time_ratio"].notna().to_dict() == {"deepseek": True, "fast": True, "late": False}
    assert time_notes(table, "deepseek") == [
        "the times of late are left out, because they were taken beside another and deepseek, and such ratios have "
        f"no mean: {AGAIN.format('deepseek')}"
    ]


def test_there_is_no_verdict_against_what_did_not_stand_beside(timed):
    table = summary_of(timed("deepseek", 1.0, "deepseek"), timed("parent", 1.42, "deepseek"), reference="parent")
    assert table.loc["parent", "time_ratio"] == pytest.approx(1.42)
    assert pd.isna(table.loc["parent", "time_verdict"])
    assert table.loc["parent"]["time_trust"] == "beside deepseek"
    assert time_reference_of(table) == "deepseek"
    (note,) = time_notes(table, "parent")
    assert (
        note
        == f"times were taken beside deepseek, so there is no verdict on time against parent: {AGAIN.format('parent')}"
    )


def test_the_reference_beside_itself_is_a_control(timed):
    table = summary_of(timed("deepseek", 1.0, "deepseek"), timed("slow", 1.5, "deepseek"))
    assert table["time_verdict"].to_dict() == {"deepseek": CONTROL, "slow": WORSE}
    assert not table["time_disturbed"].any()
    assert time_notes(table, "deepseek") == []


def test_a_control_that_is_off_marks_every_time_of_the_table(timed):
    table = summary_of(
        timed("deepseek", 0.95, "deepseek", low=0.86 / 0.95, high=0.98 / 0.95), timed("same", 1.0, "deepseek")
    )
    assert table["time_disturbed"].all()
    assert list(table["time_trust"]) == ["disturbed", "disturbed"]
    assert table.loc["deepseek", "time_verdict"] == CONTROL
    assert pd.isna(table.loc["same", "time_verdict"]), "a disturbed time has no verdict"
    assert time_notes(table, "deepseek") == [
        "times are disturbed: deepseek beside itself took 0.95 [0.86, 0.98] of its own time"
    ]


def test_a_control_of_few_rounds_marks_nothing(timed):
    table = summary_of(timed("deepseek", 0.9, "deepseek", timing_rounds=3), timed("same", 1.0, "deepseek"))
    assert not table["time_disturbed"].any()


def test_two_machines_are_never_averaged(timed):
    one, other = (json.dumps({"cores": cores, "processor": "x"}) for cores in (2, 64))
    table = summary_of(
        timed("deepseek", 1.0, "deepseek", machine=one),
        timed("v", 1.2, "deepseek", machine=one),
        timed("deepseek", 1.0, "deepseek", "other", machine=other),
        timed("v", 0.8, "deepseek", "other", machine=other),
    )
    assert table[["time_ratio", "place_seconds"]].isna().all(axis=None)
    (note,) = time_notes(table, "deepseek")
    assert "taken on 2 machines, which differ in cores, and such ratios have no mean: eplb evaluate" in note


def test_variants_that_were_timed_by_two_settings_are_marked(timed):
    settings = [json.dumps({"rounds": rounds}) for rounds in (20, 40)]
    table = summary_of(
        timed("deepseek", 1.0, "deepseek", timing_config=settings[0]),
        timed("v", 1.2, "deepseek", timing_config=settings[1]),
    )
    assert table["time_ratio"].notna().all(), "no mean is taken over both"
    assert list(table["time_trust"]) == ["with 2 timing settings"] * 2
    (note,) = time_notes(table, "deepseek")
    assert "with 2 timing settings, which differ in rounds, and do not compare" in note


@pytest.mark.parametrize("control", [(1.004, 1.001, 1.008), (0.98, 0.95, 1.01)])
def test_a_control_that_is_off_by_less_than_matters_marks_nothing(timed, control):
    """Intervals of a third of a percent exclude 1 where nothing is wrong."""
    ratio, low, high = control
    table = summary_of(timed("deepseek", ratio, "deepseek", low=low / ratio, high=high / ratio))
    assert not table["time_disturbed"].any()


def test_a_time_that_lost_its_core_is_marked_and_has_no_verdict(timed):
    table = summary_of(timed("deepseek", 1.0, "deepseek"), timed("v", 1.2, "deepseek", timing_has_core=False))
    assert table.loc["v"]["time_trust"] == "without a core of its own"
    (note,) = time_notes(table, "deepseek")
    assert note.startswith("others had the cores while v was timed, so that time has no verdict: eplb evaluate")
    assert pd.isna(table.loc["v"]["time_verdict"])


def test_an_interval_in_which_five_percent_would_not_show_is_no_equality(timed):
    wide, narrow = {"low": 0.94, "high": 1.04}, {"low": 0.97, "high": 1.03}
    table = summary_of(timed("wide", 1.0, "deepseek", **wide), timed("narrow", 1.0, "deepseek", **narrow), *[
        timed("deepseek", 1.0, "deepseek")
    ])  # fmt: skip
    assert table.loc["wide", "time_trust"] == "too wide to show 5%"
    assert table.loc[["deepseek", "narrow"], "time_trust"].isna().all()
    assert pd.isna(table.loc["wide", "time_verdict"])
    assert table.loc["narrow", "time_verdict"] == SAME
    assert time_notes(table, "deepseek") == [
        "the time of wide is too uncertain to show a difference of 5%: more timing.rounds help"
    ]


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        ((1.2, 1.1, 1.3, 20), WORSE),
        ((1.2, 0.9, 1.5, 20), None),
        ((1.2, 1.1, 1.3, 4), UNSURE),
        ((1.015, 1.01, 1.02, 20), SAME),
        ((1.01, 0.98, 1.05, 20), SAME),
        ((1.01, 0.98, 1.06, 20), None),
    ],
)
def test_what_a_ratio_allows_to_be_said(ratio, said):
    assert verdict_on_times(Estimate(*ratio)) == said
    assert verdict_on_times(Estimate(*ratio), believed=False) is None
    assert TIME_WORDS.get(said, said) in ("slower", None, UNSURE, SAME)


def test_fifteen_cells_say_more_than_one():
    one = mean_ratio([Estimate(1.04, 0.98, 1.1, 20)])
    assert one[:4] == (1.04, 0.98, 1.1, 20)
    many = mean_ratio([Estimate(1.04, 1.04 / 1.06, 1.04 * 1.06, 20)] * 15)
    assert many.value == pytest.approx(1.04)
    assert many.high / many.value == pytest.approx(1.06 ** (1 / 15**0.5), abs=0.0005), "6% over the root of fifteen"
    assert verdict_on_times(many) == WORSE
    assert np.isnan(mean_ratio([])).any()


def test_verdicts_of_a_table_are_corrected_for_their_number(timed):
    """Each is told from 1 by itself; of twenty, one so close to it is no news, and one far from it is."""
    near = [timed(f"v{number}", 1.03, "deepseek", low=0.976, high=1.024) for number in range(19)]
    alone = summary_of(timed("deepseek", 1.0, "deepseek"), near[0]).loc["v0"]
    assert alone["time_verdict"] == WORSE
    assert alone["time_p_holm"] == alone["time_p"] < 0.05
    table = summary_of(timed("deepseek", 1.0, "deepseek"), *near, timed("far", 1.2, "deepseek"))
    assert set(table.loc["v0":"v9", "time_verdict"]) == {SAME}
    assert table.loc["v0", "time_p"] == alone["time_p"]
    assert table.loc["v0", "time_p_holm"] == pytest.approx(19 * alone["time_p"])
    assert table.loc["far", "time_verdict"] == WORSE


def test_only_times_that_can_have_a_verdict_are_counted(timed):
    near = timed("v", 1.03, "deepseek", low=0.976, high=1.024)
    others = [timed(f"w{number}", 1.2, "deepseek", timing_valid=False) for number in range(19)]
    table = summary_of(timed("deepseek", 1.0, "deepseek"), near, *others)
    assert table.loc["v", "time_verdict"] == WORSE
    assert table["time_p"].notna().sum() == 1


@pytest.mark.parametrize(("cells", "rounds"), [(2, 6), (3, 20), (15, 6)])
def test_the_interval_of_a_mean_of_cells_holds_it_in_95_of_100_cases(cells, rounds):
    """Cells of different ratios, rounds of noise with heavy tails: the truth is the mean of the cells at hand."""
    draw, held = np.random.default_rng(cells * rounds), []
    truth = np.linspace(-0.1, 0.3, cells)
    for _ in range(150):
        logs = truth[:, None] + 0.02 * draw.standard_t(4, (cells, rounds))
        found = mean_ratio([median_ratio(np.exp(own), np.ones(rounds), int(draw.integers(1e9))) for own in logs])
        held.append(found.low <= np.exp(truth.mean()) <= found.high)
    assert 0.91 <= np.mean(held) <= 0.995


def test_a_time_that_was_not_alone_is_marked(timed):
    table = summary_of(timed("deepseek", 1.0, "deepseek"), timed("v", 1.2, "deepseek", timing_valid=False))
    assert table.loc["v"]["time_trust"] == "not alone on the machine"
    assert pd.isna(table.loc["deepseek"]["time_trust"])


def test_what_was_not_timed_is_neither_marked_nor_left_out(rows):
    table = summarise(pd.DataFrame(rows("deepseek", VALUES) + rows("v", VALUES)), "deepseek")
    assert table["time_left_out"].isna().all()
    assert list(table["time_trust"]) == [None, None]
    assert time_notes(table, "deepseek") == []


def test_one_window_alone_is_said(rows):
    table = summarise(pd.DataFrame(rows("deepseek", [np.nan])), "deepseek")
    assert notes_on(table, "deepseek") == [
        'there is one window only, so variants are ranked by "own": no window has a next one'
    ]


def test_descriptions_that_are_no_json_are_counted_all_the_same(timed):
    cells = pd.DataFrame(timed("a", 1.0, "a", machine="old") + timed("b", 1.0, "a", machine="new"))
    assert why_not_averaged(cells) == "on 2 machines"
