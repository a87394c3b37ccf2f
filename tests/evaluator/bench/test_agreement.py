"""Orders of programs on what a search sees beside other loads: the benchmark says how far they agree, and can fail."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import Topology
from evaluator.bench import agreement
from evaluator.bench.agreement import Judged, measure_agreement, pairs_in_order, programs, scores_of
from evaluator.bench.compositions import Balances
from evaluator.bench.programs.equals import blurred_program
from evaluator.bench.programs.trusted import balances_of
from evaluator.candidates.program import example_program
from evaluator.progress import Silent
from evaluator.workloads.synthetic import Synthetic

TOPOLOGY = Topology(72, 4, 2, 8)
SOURCE = Synthetic(sigma=0.7, num_layers=4, num_experts=64, num_groups=4, windows=4)


def part(*seeds):
    return [([SOURCE.make(seed).windows(1) for seed in seeds], TOPOLOGY)]


@pytest.fixture
def few(monkeypatch):
    """Measure programs that are clearly apart."""
    made = {str(noise): blurred_program(noise, 1) for noise in (0.001, 0.3, 1.0, 3.0)}

    def placing(program):
        return lambda windows_WLE, topology: balances_of(program, windows_WLE, topology)

    monkeypatch.setattr(agreement, "INTERVALS", (16,))
    monkeypatch.setattr(agreement, "programs", lambda: {name: placing(one) for name, one in made.items()})


def test_programs_that_are_apart_have_one_order_on_fresh_traces(few):
    ways = {"small": Judged(part(1, 2, 3), part(7, 8, 9))}
    lines = {(line.what, line.size.partition(":")[0]): line for line in measure_agreement(Silent(), ways, ["byte_moe"])}
    for on in ("own", "next"):
        line = lines[f"programs, training part of small, {on}", "small, held out"]
        assert line.value == pytest.approx(1.0)
        assert line.met
    (apart,) = [line for (what, where), line in lines.items() if "pairs" in what and where == "small, held out"]
    assert apart.value == 100
    recorded = [where for what, where in lines if what == "programs, training part of small, next"]
    assert {"byte_moe, whole, 16 steps", "byte_moe, within tasks, 16 steps"} <= set(recorded)


def test_strata_and_traces_weigh_the_same():
    def place(windows_WLE, topology):
        return Balances(np.full(len(windows_WLE), float(windows_WLE[0])), np.zeros(len(windows_WLE) - 1))

    one, other = [[np.array([0.2, 0.2]), np.array([0.4] * 9)]], [[np.array([0.9] * 3)]]
    found = scores_of({"x": place}, [(traces, TOPOLOGY) for traces in (*one, *other)])
    assert found.own == pytest.approx([(0.3 + 0.9) / 2])


def test_pairs_that_are_apart_on_both_are_counted():
    one, other = np.array([0.1, 0.2, 0.2005, 0.3]), np.array([0.1, 0.2, 0.3, 0.15])
    assert pairs_in_order(one, other, apart=0.001) == (3, 5)


def test_the_programs_are_the_compositions_and_the_examples():
    names = list(programs())
    assert len(names) == 48 + 5
    assert {"even_swap", "snake_deal", "global_packing"} < set(names)


def test_an_example_in_this_process_places_as_the_parent_does_where_it_is_the_parent():
    windows = SOURCE.make(0).windows(1)
    placed = programs()["two_moves"](windows, TOPOLOGY)
    np.testing.assert_array_equal(placed.next_W, balances_of(example_program(), windows, TOPOLOGY).next_W)
