"""Over several workloads: which are pooled, what each weighs, and which of them turns a verdict."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evaluator.analysis.comparison import comparison_of
from evaluator.analysis.gate import objections
from evaluator.analysis.score import Score
from evaluator.analysis.summary import summarise

SCORE = Score("s", "", "balancedness_gpu_next", "")


def workload(rows, name, difference, windows=12, **more):
    """Return rows of ``base`` and of ``v``, which differs by so much, on three traces."""
    draw = np.random.default_rng(len(name))
    made = []
    for seed in range(3):
        base = 0.8 + draw.normal(0, 0.02, windows)
        made += rows("base", base, name, seed, **more)
        made += rows("v", base + difference + draw.normal(0, 0.0005, windows), name, seed, **more)
    return made


@pytest.fixture
def four(rows):
    """Return three workloads on which nothing differs, and a pathological one on which all does."""
    made = [row for name in ("a", "bb", "ccc") for row in workload(rows, name, 0.0, pooled=True)]
    return pd.DataFrame(made + workload(rows, "hot", -0.4, pooled=False))


def test_pathological_workloads_are_reported_and_not_pooled(four):
    found = comparison_of(four, "base", SCORE)
    assert [part.title for part in found.parts] == ["a on t", "bb on t", "ccc on t", "hot on t"]
    assert found.overall.title == "all 4 workloads and topologies but 1 pathological"
    verdicts = {part.title: part.summary.set_index("variant")["verdict"] for part in found.tables}
    assert verdicts["hot on t"]["v"] == "worse"
    assert verdicts[found.overall.title]["v"] == "no difference"
    assert found.aggregates["strata"].eq(3).all()
    assert objections(found.overall.summary, "base") == []
    assert len(found.rows) == len(four), "they are still there to be counted"


def test_where_nothing_else_was_measured_they_are_pooled_all_the_same(rows):
    frame = pd.DataFrame(workload(rows, "hot", -0.4, pooled=False) + workload(rows, "dead", 0.0, pooled=False))
    assert comparison_of(frame, "base", SCORE).overall.summary["strata"].eq(2).all()


def test_rows_of_before_are_pooled(four):
    assert comparison_of(four.drop(columns="pooled"), "base", SCORE).overall.title == "all 4 workloads and topologies"
    four["pooled"] = four["pooled"].astype(object).where(four["workload"] != "a", None)
    assert comparison_of(four, "base", SCORE).overall.summary["strata"].eq(3).all()


def test_a_long_workload_weighs_what_a_short_one_does(rows):
    frame = pd.DataFrame(workload(rows, "a", 0.0) + workload(rows, "long", 0.03, windows=120))
    table = summarise(frame, "base").set_index("variant")
    line, mean = table.loc["v"], table["balancedness_gpu_next"]
    assert line["difference"] == pytest.approx(0.015, abs=0.001)
    own = mean["v"] - mean["base"]
    assert own == pytest.approx(line["difference"]), "the means are weighed as their difference is"


def test_the_workload_that_turns_a_verdict_is_named(rows):
    quiet = [row for name in ("a", "bb", "ccc") for row in workload(rows, name, 0.0)]
    turned = summarise(pd.DataFrame(quiet + workload(rows, "hot", -0.4)), "base").set_index("variant")
    assert (turned.loc["v", "verdict"], turned.loc["v", "turned_by"]) in (("worse", "hot"), ("too few to say", None))
    sure = [row for name in ("a", "bb", "ccc") for row in workload(rows, name, -0.02)]
    assert summarise(pd.DataFrame(sure), "base")["turned_by"].isna().all()
