from __future__ import annotations

import copy

from evaluator.reports.trust import trust


def changed(data, **values):
    """Return what a report says with values in every row over everything."""
    other = copy.deepcopy(data)
    for entry in other["panels"][0]["rows"]:
        entry["summary"] |= values
    return other


def test_a_quiet_run_says_control_settings_and_machine(data):
    said = trust(changed(data, timing_valid=True, time_trust=None))
    assert said["doubts"] == []
    text = "; ".join(said["facts"])
    assert "no other timing pass ran" in text
    assert "control: deepseek beside itself took" in text
    assert "rounds=5, min_rounds=5, threads=1" in text
    assert "cores" in text


def test_a_pass_that_was_not_alone_is_a_doubt(data):
    said = trust(changed(data, time_trust="not alone on the machine"))
    assert said["doubts"][0].startswith("not alone on the machine: ")
    assert "no other timing pass" not in "; ".join(said["facts"])


def test_reasons_in_the_summary_stand_before_that(data):
    said = trust(changed(data, time_trust="disturbed", timing_valid=True))
    (reason,) = said["doubts"]
    assert reason.startswith("disturbed: ")
    assert "contiguous" in reason


def test_different_settings_are_counted(data):
    other = copy.deepcopy(data)
    other["panels"][1]["provenance"]["timing"] = [{"rounds": 9}]
    assert "2 different timing settings" in "; ".join(trust(other)["facts"])


def test_without_times_nothing_is_said(data):
    assert trust(changed(data, time_ratio=None)) is None
