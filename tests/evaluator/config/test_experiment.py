"""Ready studies: each composes into the cells that its file says, and a command line changes them."""

from __future__ import annotations

import re
from importlib import resources

import pandas as pd
import pytest

from eplb_variants import EplbError
from evaluator.config.catalogue import choices
from evaluator.sweep import run as sweep
from evaluator.sweep.plan import make_plan

EXPERIMENTS = sorted(choices("experiment"))
ENGINES = ("sglang_", "vllm_")


def plan(*overrides, multirun=True, **more):
    return make_plan(overrides, multirun=multirun, **more)


def said(name):
    """Return how many cells the file of an experiment says that it has."""
    text = resources.files("evaluator.conf").joinpath("experiment", f"{name}.yaml").read_text(encoding="utf-8")
    if name == "all_variants":  # it grows with what there is: a cell for each, one seed where all are the same
        variants = [variant for variant in choices("variant") if not variant.startswith(ENGINES)]
        return len(variants) * (3 * len(set(choices("workload")) - {"recorded", "byte_moe", "all_equal"}) + 1)
    (cells,) = re.findall(r"^# (\d+) cells:", text, re.MULTILINE)
    return int(cells)


@pytest.mark.long
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_is_as_many_cells_as_its_file_says(name, compositions):
    made = plan(f"experiment={name}")
    assert len(made.cells) == said(name), "the reference is one of them"
    assert made.folder.name == name, "each has a run of its own"
    assert len({cell.key for cell in made.cells}) == len(made.cells)
    sections = sum(len(choices(kind)) for kind in ("variant", "workload", "topology"))
    assert len(compositions) <= sections, "sections are composed once each, not for every cell"


def test_every_experiment_says_what_it_asks():
    for name, summary in choices("experiment").items():
        text = resources.files("evaluator.conf").joinpath("experiment", f"{name}.yaml").read_text(encoding="utf-8")
        assert summary, name
        assert "\n# Question: " in text, name


def test_the_command_line_takes_the_place_of_an_axis_and_adds_its_own():
    made = plan("experiment=seed_factorial", "variant.fixup.moves=1", "workload=quick", "seed=5", "run=mine")
    assert len(made.cells) == 2 * 2 * 2
    assert {(cell.workload.name, cell.seed) for cell in made.cells} == {("quick", 5)}
    assert made.folder.name == "mine"
    more = plan(
        "experiment=slots", "workload=quick", "seed=0", "variant=seed", "reference=seed", "workload.windows=3,4"
    )
    assert len(more.cells) == 5 * 2


def test_names_say_what_differs_from_the_preset():
    """What an experiment sets is a change like any other: seed_parent is what its file says and nothing else."""
    names = {cell.variant.name for cell in plan("experiment=seed_factorial", "seed=0").cells}
    assert {"seed_parent", "seed_parent[fixup.moves=0]"} <= names
    assert len(names) == 24


def test_an_experiment_without_axes_left_needs_no_multirun():
    narrow = ["variant=seed", "topology.num_gpus=16", "workload=quick", "seed=0"]
    assert len(plan("experiment=gpus", *narrow, multirun=False).cells) == 2


@pytest.mark.parametrize(
    ("overrides", "multirun", "says"),
    [
        (["experiment=slots"], False, "experiment=slots sweeps variant: run it with `eplb evaluate -m experiment"),
        (["experiment=sed_factorial"], True, "no experiment 'sed_factorial': did you mean 'seed_factorial'"),
        (["experiment=slots,gpus"], True, "one experiment at a time"),
        (["experiment=slots", "experiment=gpus"], True, "one experiment at a time"),
        (["experiment=slots", "topology.num_slots=71"], True, "71 slots do not divide over 32 GPUs"),
        (["experiment=ties", "variant=seed_parent"], True, "no key 'variant.gpu_packer.tie_eps'"),
    ],
)
def test_a_mistake_is_one_sentence(overrides, multirun, says):
    with pytest.raises(EplbError, match=re.escape(says)) as caught:
        plan(*overrides, multirun=multirun)
    assert "\n" not in str(caught.value)


def axes(written):
    """Return what an experiment's file says where Hydra's own sweeper reads it."""
    return f"hydra: {{sweeper: {{params: {written}}}}}\n"


def own(folder, body):
    (folder / "experiment").mkdir()
    (folder / "experiment" / "mine.yaml").write_text(f"# @package _global_\nsummary: my own\n{body}")
    return {"config_dirs": [str(folder)]}


def test_an_experiment_of_ones_own_comes_from_a_folder(tmp_path):
    folder = own(tmp_path, "measure: quality\n" + axes("{seed: '0,1', workload.windows: 3}"))
    made = plan("experiment=mine", **folder)
    assert [(cell.workload.name, cell.seed) for cell in made.cells] == [
        ("dsr1_decode[windows=3]", 0),
        ("dsr1_decode[windows=3]", 1),
    ]
    assert made.measure == "quality"
    assert choices("experiment", folder["config_dirs"])["mine"] == "my own"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (axes("{seed: [0, 1]}"), "experiment=mine sweeps seed over [0, 1]: write it as on a command line"),
        ("workload: {windows: 3}\n", "experiment=mine sets values of workload: they belong under hydra.sweeper.params"),
        (axes("{sead: '0,1'}"), "no group or key 'sead': did you mean 'seed'"),
    ],
)
def test_a_mistake_in_ones_own_is_one_sentence(tmp_path, body, says):
    with pytest.raises(EplbError, match=re.escape(says)):
        plan("experiment=mine", **own(tmp_path, body))


@pytest.mark.long
def test_an_experiment_runs(tmp_path, small):
    """The factorial on a workload so small that it takes a moment."""
    outcome = sweep.run(plan("experiment=seed_factorial", *small, f"runs_dir={tmp_path}", "seed=0", "measure=quality"))
    assert (outcome.measured, outcome.failed, outcome.skipped) == (48, {}, {})
    frame = pd.read_parquet(outcome.folder)
    assert frame.groupby("workload")["variant"].nunique().eq(24).all()
