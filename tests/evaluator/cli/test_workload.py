"""A recording becomes a scenario: printed, as overrides and as a file that a sweep can choose."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from evaluator.cli.workload import BASE, changed
from evaluator.sweep.plan import make_plan
from evaluator.workloads.synthetic import Synthetic

MADE = Synthetic(num_layers=4, num_experts=32, top_k=2, tokens=2000, windows=24, rho=1.0, requests=20)
MACHINE = ["topology.num_slots=40", "topology.num_groups=1", "topology.num_nodes=1", "topology.num_gpus=8"]


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "my load.npz"
    np.savez(path, counts=MADE.make(0).counts, top_k=2)
    return path.name


def test_the_file_and_the_overrides_are_the_scenario_that_was_fitted(eplb, recording, tmp_path):
    done = eplb("workload", "fit", recording, "--interval", "2", "--config-dir", "mine", check=0)
    assert "12 windows of 2 steps" in done.stderr
    assert re.search(r"Gini coefficient +0\.\d+ +0\.\d+", done.stdout)
    assert (tmp_path / "mine" / "workload" / "my_load_like.yaml").exists()
    (overrides,) = re.findall(r"^as overrides: (.*)$", done.stdout, re.MULTILINE)
    common = ["measure=quality", *MACHINE]
    eplb("evaluate", "--config-dir", "mine", "workload=my_load_like", "run=file", *common, check=0)
    eplb("evaluate", *overrides.split(), "run=overrides", *common, check=0)
    by_file, by_overrides = (pd.read_parquet(tmp_path / "runs" / run) for run in ("file", "overrides"))
    assert by_file["balancedness_gpu_next"].notna().sum() == 11, "12 windows"
    pd.testing.assert_series_equal(by_file["balancedness_gpu_next"], by_overrides["balancedness_gpu_next"])


def test_the_recording_that_ships_is_named_wherever_one_is(eplb, tmp_path):
    """A folder of nobody's: it is evaluated, described and fitted by its name."""
    machine = ["topology=eight_gpus", "measure=quality", "variant=deepseek"]
    done = eplb("evaluate", "workload=byte_moe", *machine, "run=ours", check=0)
    assert "800 steps, 8 layers, 64 experts; 50 windows of 16 steps" in done.stderr
    rows = pd.read_parquet(tmp_path / "runs" / "ours")
    assert set(rows["workload"]) == {"byte_moe"}
    assert rows["balancedness_gpu_next"].notna().sum() == 49
    assert 0.7 < rows["balancedness_gpu_next"].mean() < rows["balancedness_gpu_own"].mean() < 1
    done = eplb("workload", "describe", "byte_moe", "--interval", "16", check=0)
    assert re.search(r"own balancedness of deepseek +0\.\d+", done.stdout)
    assert re.search(r"requests of 40 to 79 tokens, around its domain +\d", done.stdout)
    fitted = ["--interval", "16", "--max-windows", "8", "--config-dir", "mine"]
    eplb("workload", "fit", "byte_moe", *fitted, check=0)
    assert (tmp_path / "mine" / "workload" / "byte_moe_like.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["no.npz"], "there is no workload in 'no.npz'"),
        (["my load.npz", "--interval", "0"], "the interval is 0"),
        (["my load.npz", "--interval", "12"], "2 windows are too few"),
        (["my load.npz", "--interval", "25"], "too few for one window of 25"),
        (["my load.npz", "--max-windows", "-1"], "--max-windows is -1"),
        (["my load.npz", "--top-k", "33"], "cannot be routed to 33 of 32 experts"),
        (["my load.npz", "--top-k", "0"], "cannot be routed to 0 of 32 experts"),
        (["my load.npz", "--groups", "0"], "32 logical experts do not divide into 0 groups"),
        (["my load.npz", "--groups", "5"], "32 logical experts do not divide into 5 groups"),
        (["my load.npz", "--name", "a,b"], "--name is 'a,b'"),
        (["my load.npz", "--config-dir", "my load.npz"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(eplb, recording, arguments, says):
    done = eplb("workload", "fit", *arguments, check=2)
    assert says in done.stderr
    assert done.stderr.splitlines()[-1].startswith("eplb: ")


def test_a_recording_that_does_not_say_top_k_needs_it(eplb, tmp_path):
    np.savez(tmp_path / "load.npz", counts=MADE.make(0).counts)
    assert "name it with --top-k" in eplb("workload", "fit", "load.npz", check=2).stderr
    eplb("workload", "fit", "load.npz", "--top-k", "2", check=0)


def test_overrides_are_based_on_what_the_file_says():
    (cell,) = make_plan([f"workload={BASE}", "variant=deepseek", "reference=deepseek"]).cells
    assert changed(cell.workload.source) == {"sigma": 0.2}
