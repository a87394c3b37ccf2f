"""Ratios of different kinds are never averaged, and what is doubtful in a time is said."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from evaluator.analysis.statistics import SAME, WORSE
from evaluator.analysis.summary import notes_on, summarise
from evaluator.analysis.times import CONTROL, time_reference_of, why_not_averaged

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
    assert notes_on(table, "parent") == [
        "times are left out, because they were taken beside deepseek and parent, and such ratios have no mean: "
        + AGAIN.format("parent")
    ]


def test_only_the_variants_of_another_kind_are_left_out(timed):
    table = summary_of(
        timed("deepseek", 1.0, "deepseek"), timed("fast", 0.5, "deepseek"), timed("late", 1.5, "another")
    )
    assert table["time_ratio"].notna().to_dict() == {"deepseek": True, "fast": True, "late": False}
    assert notes_on(table, "deepseek") == [
        "the times of late are left out, because they were taken beside another and deepseek, and such ratios have "
        f"no mean: {AGAIN.format('deepseek')}"
    ]


def test_there_is_no_verdict_against_what_did_not_stand_beside(timed):
    table = summary_of(timed("deepseek", 1.0, "deepseek"), timed("parent", 1.42, "deepseek"), reference="parent")
    assert table.loc["parent", "time_ratio"] == pytest.approx(1.42)
    assert pd.isna(table.loc["parent", "time_verdict"])
    assert table.loc["parent"]["time_trust"] == "beside deepseek"
    assert time_reference_of(table) == "deepseek"
    (note,) = notes_on(table, "parent")
    assert (
        note
        == f"times were taken beside deepseek, so there is no verdict on time against parent: {AGAIN.format('parent')}"
    )


def test_the_reference_beside_itself_is_a_control(timed):
    table = summary_of(timed("deepseek", 1.0, "deepseek"), timed("slow", 1.5, "deepseek"))
    assert table["time_verdict"].to_dict() == {"deepseek": CONTROL, "slow": WORSE}
    assert not table["time_disturbed"].any()
    assert notes_on(table, "deepseek") == []


def test_a_control_that_is_off_marks_every_time_of_the_table(timed):
    table = summary_of(
        timed("deepseek", 0.95, "deepseek", low=0.86 / 0.95, high=0.98 / 0.95), timed("same", 1.0, "deepseek")
    )
    assert table["time_disturbed"].all()
    assert list(table["time_trust"]) == ["disturbed", "disturbed"]
    assert table["time_verdict"].to_dict() == {"deepseek": CONTROL, "same": SAME}
    assert notes_on(table, "deepseek") == [
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
    (note,) = notes_on(table, "deepseek")
    assert "taken on 2 machines, which differ in cores, and such ratios have no mean: eplb evaluate" in note


def test_variants_that_were_timed_by_two_settings_are_marked(timed):
    settings = [json.dumps({"rounds": rounds}) for rounds in (20, 40)]
    table = summary_of(
        timed("deepseek", 1.0, "deepseek", timing_config=settings[0]),
        timed("v", 1.2, "deepseek", timing_config=settings[1]),
    )
    assert table["time_ratio"].notna().all(), "no mean is taken over both"
    assert list(table["time_trust"]) == ["with 2 timing settings"] * 2
    (note,) = notes_on(table, "deepseek")
    assert "with 2 timing settings, which differ in rounds, and do not compare" in note


def test_a_time_that_was_not_alone_is_marked(timed):
    table = summary_of(timed("deepseek", 1.0, "deepseek"), timed("v", 1.2, "deepseek", timing_valid=False))
    assert table.loc["v"]["time_trust"] == "not alone on the machine"
    assert pd.isna(table.loc["deepseek"]["time_trust"])


def test_what_was_not_timed_is_neither_marked_nor_left_out(rows):
    table = summarise(pd.DataFrame(rows("deepseek", VALUES) + rows("v", VALUES)), "deepseek")
    assert table["time_left_out"].isna().all()
    assert list(table["time_trust"]) == [None, None]
    assert notes_on(table, "deepseek") == []


def test_one_window_alone_is_said(rows):
    table = summarise(pd.DataFrame(rows("deepseek", [np.nan])), "deepseek")
    assert notes_on(table, "deepseek") == [
        'there is one window only, so variants are ranked by "own": no window has a next one'
    ]


def test_descriptions_that_are_no_json_are_counted_all_the_same(timed):
    cells = pd.DataFrame(timed("a", 1.0, "a", machine="old") + timed("b", 1.0, "a", machine="new"))
    assert why_not_averaged(cells) == "on 2 machines"
