"""The study of intervals finds what is known: on normal pools what it should, on too narrow ones that they are."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import Topology, load_variant
from evaluator.bench.truth import intervals
from evaluator.progress import Silent
from evaluator.workloads.synthetic import Synthetic

TOPOLOGY = Topology(24, 4, 2, 4)


def pool(draw, offset, size=60, noise=1.0, names=("deepseek", "seed_parent", "contiguous"), windows=60):
    """Return a pool of equals: traces with offsets of their own, windows with noise of theirs."""
    made = {name: draw.normal(0, offset, (size, 1)) + draw.normal(0, noise, (size, windows)) for name in names}
    return intervals.Pool("made up", made)


@pytest.mark.parametrize("offset", [0.0, 3.0])
def test_normal_traces_are_covered_as_often_as_is_said(offset):
    draw = np.random.default_rng(0)
    values = pool(draw, offset).values["deepseek"]
    found = intervals.covered(values, 5, 11, 400, draw)
    assert 0.92 < found.mean() < 0.98


def test_one_trace_is_held_against_itself():
    draw = np.random.default_rng(1)
    found = intervals.covered(pool(draw, 30.0, windows=600).values["deepseek"], 1, 23, 400, draw)
    assert 0.92 < found[found >= 0].mean() < 0.98, "the offset of a trace is part of its truth"


def test_what_cannot_be_said_is_counted_apart():
    draw = np.random.default_rng(2)
    drift = np.linspace(0, 1, 60) + np.zeros((20, 60))
    assert (intervals.covered(drift, 1, 5, 50, draw) == -1).all()


def test_a_line_for_each_size_of_a_run_names_the_worst_case():
    draw = np.random.default_rng(3)
    lines = intervals.coverage_lines([pool(draw, 1.0)], draws=20)
    assert len(lines) == len(intervals.TRACES) * len(intervals.WINDOWS)
    assert all("beside deepseek on made up" in line.what for line in lines)
    assert lines[0].size.startswith("1 traces x 5 windows; ")


def test_equals_get_a_verdict_in_few_tables_and_what_is_not_equal_in_all():
    draw, names = np.random.default_rng(4), [f"v{number}" for number in range(21)]
    equal = pool(draw, 0.02, noise=0.01, names=names, size=300)
    line = intervals.equals_line([equal])
    assert "60 tables" in line.size
    assert line.value <= 10
    worse = equal._replace(values=equal.values | {"v7": equal.values["v7"] - 1})
    assert intervals.equals_line([worse]).value == 100
    assert not intervals.equals_line([worse]).met


def test_scenarios_are_replayed(monkeypatch):
    monkeypatch.setattr(intervals, "TRACES", (1, 3))
    monkeypatch.setattr(intervals, "WINDOWS", (5,))
    monkeypatch.setattr(intervals, "EQUALS", 2)
    source = Synthetic(num_layers=2, num_experts=16, num_groups=4, tokens=2000, windows=13)
    lines = intervals.measure_intervals(
        Silent(), {"small": lambda seed: source.make(seed).windows(1)}, ["small"], TOPOLOGY, 10, 20
    )
    assert [line.size.partition(";")[0] for line in lines[:2]] == ["1 traces x 5 windows", "3 traces x 5 windows"]
    assert lines[2].what == "tables of 2 equals beside another in which one gets a verdict"


def test_a_pool_has_the_windows_that_have_a_next_one():
    source = Synthetic(num_layers=2, num_experts=16, num_groups=4, tokens=2000, windows=6)
    variants = {"deepseek": load_variant("deepseek")}
    made = intervals.make_pool("small", lambda seed: source.make(seed).windows(1), variants, TOPOLOGY, 3)
    assert made.values["deepseek"].shape == (3, 5)
    short = intervals.make_pool("small", lambda seed: source.make(seed).windows(1), variants, TOPOLOGY, 3, windows=4)
    np.testing.assert_array_equal(short.values["deepseek"], made.values["deepseek"][:, :3])
