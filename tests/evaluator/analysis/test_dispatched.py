"""Results under a dispatcher: the columns of dispatch in place of those of even shares."""

from __future__ import annotations

import pandas as pd
import pytest

from eplb_variants.errors import EplbError
from evaluator.analysis.dispatched import under
from evaluator.analysis.summary import notes_on, summarise


@pytest.fixture
def frame(rows):
    """Two variants, of which the second is better where tokens are split by load, and worse where evenly."""
    values = [0.8 + 0.01 * window for window in range(8)]
    frame = pd.DataFrame([*rows("base", values), *rows("linked", [value - 0.05 for value in values])])
    own = (frame["variant"] == "linked").astype(float)
    dispatched = {f"balancedness_gpu_dispatch_{on}": 0.9 + 0.08 * own for on in ("own", "next")}
    bounds = {f"bound_gpu_{on}": 0.95 for on in ("own", "next")}
    return frame.assign(**dispatched, **bounds, **{f"bound_gpu_dispatch_{on}": 1.0 for on in ("own", "next")})


def test_evenly_is_as_it_was_measured(frame):
    assert under(frame, "even") is frame
    assert summarise(frame, "base").set_index("variant").loc["linked", "verdict"] == "worse"


def test_by_flow_the_verdict_is_on_the_columns_of_dispatch(frame):
    flow = under(frame, "flow")
    summary = summarise(flow, "base")
    linked = summary.set_index("variant").loc["linked"]
    assert linked["verdict"] == "better"
    assert linked["difference"] == pytest.approx(0.08)
    assert linked["optimality_next"] == pytest.approx(0.98)
    notes = " ".join(notes_on(summary, "base"))
    assert "tokens are split over replicas by their load" in notes
    assert "no placement passes 1.0000" in notes
    assert "evenly" not in notes
    assert "by their load" not in " ".join(notes_on(summarise(frame, "base"), "base"))


def test_what_cannot_be_is_said(frame):
    with pytest.raises(EplbError, match="dispatcher"):
        under(frame, "flaw")
    before = frame.drop(columns=["bound_gpu_dispatch_own"])
    with pytest.raises(EplbError, match="measure them again"):
        under(before, "flow")


def test_near_is_flow_where_no_groups_belong_on_nodes(frame):
    near = under(frame, "near")
    assert near["balancedness_gpu_next"].equals(under(frame, "flow")["balancedness_gpu_next"])
    grouped = frame.assign(
        balancedness_gpu_near_next=0.93, balancedness_gpu_near_own=0.94, remote_tokens_near_next=0.05
    )
    assert under(grouped, "near")["balancedness_gpu_next"].eq(0.93).all()
    assert under(grouped, "near")["remote_tokens_next"].eq(0.05).all()
    notes = " ".join(notes_on(summarise(under(grouped, "near"), "base"), "base"))
    assert "up to a balancedness of .95" in notes
