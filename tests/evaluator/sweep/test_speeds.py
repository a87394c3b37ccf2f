"""GPUs of uneven speed, and failed ones, as parts of a sweep."""

from __future__ import annotations

import json

import numpy as np
import pytest

from eplb_variants import EplbError, Topology
from evaluator.results.store import read_runs
from evaluator.sweep.building import in_runs
from evaluator.sweep.plan import make_plan
from evaluator.sweep.run import run

SMALL = ("workload=quick", "workload.num_experts=64", "workload.num_layers=2", "workload.windows=4", "measure=quality")


def cell_of(*overrides):
    (cell,) = make_plan([*SMALL, "variant=deepseek", *overrides]).cells
    return cell


def test_speeds_are_given_one_by_one_or_in_runs():
    alike = cell_of("topology=eight_gpus", "topology.speeds=[4*1,4*0.5]")
    assert alike.topology.speeds == (1.0,) * 4 + (0.5,) * 4
    assert alike.key == cell_of("topology=eight_gpus", "topology.speeds=[1,1,1,1,0.5,0.5,0.5,0.5]").key
    np.testing.assert_allclose(alike.topology.relative_speeds, [4 / 3] * 4 + [2 / 3] * 4)
    assert alike.topology_name == "eight_gpus[speeds=4*1+4*0.5]"
    even = cell_of("topology=eight_gpus")
    assert alike.key != even.key
    equal = cell_of("topology=eight_gpus", "topology.speeds=[8*2]")
    assert (equal.topology, equal.topology_name, equal.key) == (even.topology, "eight_gpus", even.key)


def test_tiles_are_a_part_of_the_machine():
    cell = cell_of("topology=eight_gpus", "topology.alignment=128", "topology.failed=[0]")
    assert cell.topology.alignment == 128
    assert cell.topology_name == "eight_gpus[failed=0,alignment=128]"
    assert cell.key != cell_of("topology=eight_gpus", "topology.failed=[0]").key


def test_what_is_left_of_a_machine_is_named_after_what_failed():
    cell = cell_of("topology=adrs", "topology.failed=[3,17]")
    assert cell.topology == Topology(270, 1, 1, 30)
    assert cell.topology_name == "adrs[failed=3+17]"
    assert cell_of("topology=adrs", "topology.failed=[0,8,16,24]").topology == Topology(252, 8, 4, 28)
    speeds = cell_of("topology=eight_gpus", "topology.speeds=[4*1,4*0.5]", "topology.failed=[0]").topology.speeds
    assert speeds == (1.0,) * 3 + (0.5,) * 4


@pytest.mark.parametrize(
    ("override", "why"),
    [
        ("topology.speeds=[1,2]", "topology.speeds has 2 numbers: there are 8 GPUs"),
        ("topology.speeds=[7*1,0]", "a speed must be a number above 0"),
        ("topology.speeds=[fast]", "topology.speeds has 'fast': it must be a number, or such as"),
        ("topology.alignment=-1", "topology.alignment is -1: it must be a whole number, 0 or more"),
        ("topology.failed=[8]", "topology.failed names GPU 8: they are numbered 0 to 7"),
        ("topology.failed=[0,1,2,3,4,5,6,7]", "one must be left"),
    ],
)
def test_what_is_no_machine_is_a_sentence(override, why):
    with pytest.raises(EplbError, match=why.replace("[", r"\[")):
        cell_of("topology=eight_gpus", override)


def test_runs_of_speeds_are_short_or_a_digest():
    assert in_runs([1.0, 1.0, 0.8]) == "2*1+1*0.8"
    assert len(in_runs(np.random.default_rng(0).random(64).tolist())) == 8


def test_a_run_has_speeds_and_what_heeds_them_is_better(tmp_path):
    plan = make_plan(
        [
            *SMALL,
            "variant=deepseek,lab_best,contiguous",
            "topology=eight_gpus",
            "topology.speeds=[4*1,4*0.5]",
            f"runs_dir={tmp_path}",
            "run=uneven",
        ],
        multirun=True,
    )
    run(plan)
    rows = read_runs([plan.folder])
    assert [json.loads(text) for text in rows["gpu_speeds"].unique()] == [[1.333333] * 4 + [0.666667] * 4]
    mean = rows.groupby("variant")["balancedness_gpu_next"].mean()
    assert mean["lab_best"] > 0.9 > 0.75 > mean["deepseek"] > mean["contiguous"]
    judged = rows[rows["balancedness_gpu_next"].notna()]
    for which in ("next", "own"):
        assert (judged[f"balancedness_gpu_{which}"] <= judged[f"bound_gpu_{which}"] * (1 + 1e-9)).all()
        dispatched, limit = judged[f"balancedness_gpu_dispatch_{which}"], judged[f"bound_gpu_dispatch_{which}"]
        assert (judged[f"balancedness_gpu_{which}"] <= dispatched * (1 + 1e-9)).all()
        assert (dispatched <= limit * (1 + 1e-9)).all()
    pictured = rows[rows["gpu_load"].notna()].set_index("variant")["gpu_load"]
    assert np.reshape(pictured["lab_best"], (2, 8)).max() < np.reshape(pictured["deepseek"], (2, 8)).max()


def test_more_failed_gpus_than_slots_allow_is_said(tmp_path):
    plan = make_plan(
        [
            *SMALL,
            "variant=deepseek",
            "topology=eight_gpus",
            "topology.failed=[0,1,2,3]",
            "topology.num_slots=80",
            f"runs_dir={tmp_path}",
            "run=failed",
        ]
    )
    done = run(plan)
    assert not done.failed
    (why,) = done.skipped.values()
    assert "too few for 64 logical experts" in why
