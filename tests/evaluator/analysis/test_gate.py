from __future__ import annotations

import pandas as pd
import pytest

from eplb_variants import EplbError
from evaluator.analysis.gate import objections
from evaluator.analysis.summary import summarise


def test_what_is_worse_is_kept_out(many):
    summary = summarise(many, "base")
    (sentence,) = objections(summary, "base")
    assert sentence.startswith("down is worse than base: -0.0")
    assert objections(summary, "base", ["up"]) == []
    assert len(objections(summary, "base", ["up", "down"])) == 1


def test_what_was_not_measured_everywhere_is_kept_out(many):
    """It crashed on one workload and is better on all others."""
    summary = summarise(many[(many["variant"] != "up") | (many["workload"] != "w1")], "base")
    assert objections(summary, "base", ["up"]) == ["up was not measured everywhere: 12 cells, others have 15"]


def test_few_windows_let_through(rows):
    frame = pd.DataFrame(rows("base", [0.5] * 2) + rows("v", [0.4, 0.41]))
    assert objections(summarise(frame, "base"), "base") == []


def test_an_unknown_name_is_refused(many):
    with pytest.raises(EplbError, match="no measured variant 'dwn': did you mean 'down'"):
        objections(summarise(many, "base"), "base", ["dwn"])
