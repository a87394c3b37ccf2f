from __future__ import annotations

import json
import shlex
from dataclasses import asdict

import pandas as pd
import pytest

from evaluator.reports.commands import Commands
from evaluator.sweep.plan import make_plan
from evaluator.timing.settings import TimingSettings


def rows(*variants, **more):
    row = {
        "run": "default",
        "workload": "dsr1_decode",
        "workload_config": json.dumps({"kind": "synthetic", "interval": 1}),
        "topology": "adrs",
        "interval": 1,
        "seed": 0,
        "time_reference": "deepseek",
        "place_seconds": 1e-3,
        "timing_config": None,
        "measured_at": "2026-01-01",
    }
    return pd.DataFrame([{**row, "variant": variant, **more} for variant in variants])


def test_the_command_makes_the_cells_again(frame, run_folder):
    """What stands beside a table measures the same cells: their hashes are the files that are there."""
    good = frame[(frame["status"] == "ok") & ~frame["variant"].str.contains("script")]
    commands = Commands([str(run_folder)], "deepseek", "default").evaluate(good)
    keys = set()
    for command in commands:
        eplb, evaluate, many, *overrides = shlex.split(command)
        assert (eplb, evaluate, many) == ("eplb", "evaluate", "-m")
        plan = make_plan(overrides, multirun=True)
        assert plan.folder == run_folder
        keys |= {cell.key for cell in plan.cells}
    assert keys == set(good["cell"])


def test_workloads_with_the_same_changes_share_a_command():
    part = pd.concat([rows("deepseek", "seed"), rows("deepseek", "seed", workload="uniform")])
    assert Commands(["runs/default"], "deepseek", "default").evaluate(part) == [
        "eplb evaluate -m variant=deepseek,seed workload=dsr1_decode,uniform topology=adrs seed=0 reference=deepseek"
    ]


def test_changes_of_variants_and_topologies_are_said():
    part = rows(
        "deepseek",
        "seed[gpu_packer.name=greedy,gpu_packer.refine_steps=2]",
        topology="slots72_groups8_nodes2_gpus8",
        num_slots=72,
        num_groups=8,
        num_nodes=2,
        num_gpus=8,
        run="x",
        place_seconds=None,
    )
    plain, changed = Commands(["elsewhere/x"], "deepseek", "default").evaluate(part)
    assert "variant=deepseek " in plain
    assert "stage/packer@variant.gpu_packer=greedy variant.gpu_packer.refine_steps=2" in changed
    for command in (plain, changed):
        assert "topology.num_slots=72 topology.num_groups=8" in command
        assert "run=x runs_dir=elsewhere" in command
        assert command.endswith("measure=quality")


def test_a_recording_is_named_by_its_path():
    config = json.dumps({"kind": "recorded", "path": "my loads.npz", "interval": 4, "max_windows": 0})
    (command,) = Commands(["runs/default"], "deepseek", "default").evaluate(
        rows("seed", workload="my loads[interval=4]", workload_config=config, interval=4)
    )
    assert "'workload.path=\"my loads.npz\"' workload.interval=4" in command


def test_settings_of_the_timing_pass_are_said_where_they_are_not_the_defaults():
    settings = asdict(TimingSettings(rounds=7, seconds=0.5))
    part = rows("deepseek", "seed", timing_config=json.dumps(settings))
    (command,) = Commands(["runs/default"], "deepseek", "default").evaluate(part)
    assert command.endswith("reference=deepseek timing.rounds=7 timing.seconds=0.5")


@pytest.mark.parametrize("name", ["a b", "<script>", "x; rm -rf /", "seed[a=$(b)]", "seed,deepseek", "seed[a]"])
def test_a_name_that_is_no_choice_makes_no_command(name):
    assert Commands(["runs/default"], "deepseek", "default").evaluate(rows(name)) == []


def test_whatever_is_named_is_quoted_for_the_shell():
    command = Commands(["runs/my run"], "$(x)", "adrs").report()
    assert shlex.split(command) == ["eplb", "report", "runs/my run", "--reference=$(x)", "--score", "adrs"]
