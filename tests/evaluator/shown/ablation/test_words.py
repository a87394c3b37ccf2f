from __future__ import annotations

import json

import pytest

from evaluator.shown.ablation.words import Extent, record


def test_records_are_json(run):
    records = json.loads(json.dumps([record(effect) for effect in run[0]], allow_nan=False))
    assert {r["kind"] for r in records} == {"main", "interaction"}
    assert records[0]["factor"] == "fixup.moves"
    assert records[0]["effect"] == pytest.approx(0.01, abs=1e-3)


def test_a_p_value_of_one_trace_is_said_to_be_too_small_where_windows_stay_alike():
    assert "too small where windows stay alike" in Extent(traces=2, strata=2).unit
    assert Extent(traces=4, strata=2).unit == "means of traces"
