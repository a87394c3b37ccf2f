from __future__ import annotations

import json
import shlex
from dataclasses import asdict

import pandas as pd
import pytest

from evaluator.reports.commands import Commands
from evaluator.sweep.plan import make_plan
from evaluator.timing.settings import TimingSettings

CHOSEN = ("workload=dsr1_decode", "topology=adrs", "seed=0")


def rows(*overrides, **more):
    """Return a row for each list of overrides."""
    row = {
        "run": "default",
        "time_reference": "deepseek",
        "place_seconds": 1e-3,
        "timing_config": None,
        "measured_at": "2026-01-01",
    }
    return pd.DataFrame([{**row, "overrides": json.dumps(words), **more} for words in overrides])


def commands(part, runs="runs/default"):
    return Commands([runs], "deepseek", "default").evaluate(part)


def test_the_command_makes_the_cells_again(frame, run_folder):
    """What stands beside a table measures the same cells, whatever they are called."""
    good = frame[frame["status"] == "ok"]
    keys = set()
    for command in Commands([str(run_folder)], "deepseek", "default").evaluate(good):
        eplb, evaluate, many, *overrides = shlex.split(command)
        assert (eplb, evaluate, many) == ("eplb", "evaluate", "-m")
        plan = make_plan(overrides, multirun=True)
        assert plan.folder == run_folder
        keys |= {cell.key for cell in plan.cells}
    assert keys == set(good["cell"])


def test_cells_that_differ_in_one_key_share_a_command():
    part = rows(
        *(
            [f"variant={v}", f"workload={w}", "topology=adrs", f"seed={s}"]
            for v in ("deepseek", "seed")
            for w in ("dsr1_decode", "mild")
            for s in (0, 1)
        )
    )
    assert commands(part) == [
        "eplb evaluate -m variant=deepseek,seed workload=dsr1_decode,mild topology=adrs seed=0,1 reference=deepseek"
    ]


def test_commands_name_the_cells_that_are_there_and_no_others():
    """Three of four combinations are two sweeps, not a product of four."""
    part = rows(*([f"variant={v}", f"workload={w}"] for v, w in (("a", "x"), ("a", "y"), ("b", "x"))))
    made = [dict(word.split("=") for word in command.split()[2:] if "=" in word) for command in commands(part)]
    cells = [(v, w) for sweep in made for v in sweep["variant"].split(",") for w in sweep["workload"].split(",")]
    assert sorted(cells) == [("a", "x"), ("a", "y"), ("b", "x")]


def test_changes_stand_in_commands_of_their_own():
    changed = ["variant=seed", "stage/packer@variant.gpu_packer=greedy", "variant.fixup.moves=1", *CHOSEN]
    part = rows(["variant=deepseek", *CHOSEN], changed, run="x", place_seconds=None)
    plain, other = sorted(commands(part, "elsewhere/x"))
    assert "variant=deepseek " in plain
    assert "variant=seed stage/packer@variant.gpu_packer=greedy variant.fixup.moves=1 " in other
    for command in (plain, other):
        assert command.startswith("eplb evaluate variant="), "one point is no sweep"
        assert "run=x runs_dir=elsewhere" in command
        assert command.endswith("measure=quality")


def test_texts_are_quoted_for_hydra_and_for_the_shell():
    (command,) = commands(rows(["variant=seed", "workload=recorded", 'workload.path="my loads.npz"']))
    assert "'workload.path=\"my loads.npz\"'" in command
    (command,) = commands(rows(["--config-dir=my conf", "variant=mine"], run="a b"), "runs/a b")
    assert "'--config-dir=my conf' variant=mine 'run=\"a b\"'" in command


def test_settings_of_the_timing_pass_are_said_where_they_are_not_the_defaults():
    settings = asdict(TimingSettings(rounds=7, seconds=0.5))
    (command,) = commands(rows(["variant=seed"], timing_config=json.dumps(settings)))
    assert command.endswith("reference=deepseek timing.rounds=7 timing.seconds=0.5")


@pytest.mark.parametrize("text", [None, "", "<script>", "3", '{"variant": "seed"}', "[1]"])
def test_rows_that_do_not_say_what_chose_them_make_no_command(text):
    part = rows(["variant=seed"]).assign(overrides=text)
    assert commands(part) == []
    assert commands(part.drop(columns="overrides")) == [], "a file of before the column was there"


def test_whatever_is_named_is_quoted_for_the_shell():
    command = Commands(["runs/my run"], "$(x)", "adrs").report()
    assert shlex.split(command) == ["eplb", "report", "runs/my run", "--reference=$(x)", "--score", "adrs"]
