"""Suites: what they choose, that their loads are frozen, and that their name stands beside every result."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import yaml

import evaluator
from eplb_variants import EplbError
from evaluator.candidates.scoring import with_defaults
from evaluator.candidates.settings import Choices, settings_of
from evaluator.config.catalogue import choices
from evaluator.sweep.plan import make_plan
from evaluator.sweep.suite import HELD_OUT, TRAINING, made_of
from evaluator.workloads import UnusableWorkload
from evaluator.workloads.windows import hash_of_windows

SMALL = "workload=mild workload.num_layers=2 workload.windows=3"
MINE = {
    "name": "mine",
    "summary": "two kinds of traffic on two machines",
    "training": {
        "mild": {"choose": f"{SMALL} topology=adrs", "seeds": [1, 2]},
        "wide": {"choose": f"{SMALL} topology=vllm_wide", "seeds": [3]},
    },
    "held_out": {"mild": {"choose": f"{SMALL} topology=adrs", "seeds": [7, 8]}},
}


@pytest.fixture
def mine(tmp_path):
    """Return a function that writes a suite of one's own, and the overrides and folder to choose it by."""
    (tmp_path / "conf" / "suite").mkdir(parents=True)

    def write(**changes):
        said = {"defaults": ["/schema/suite@_here_", "_self_"], **MINE, **changes}
        (tmp_path / "conf" / "suite" / "mine.yaml").write_text(yaml.safe_dump(said))
        return {"overrides": ["suite=mine", f"runs_dir={tmp_path}/runs"], "config_dirs": [f"{tmp_path}/conf"]}

    return write


def plan_of(chosen, *more, multirun=False):
    return make_plan([*chosen["overrides"], *more], config_dirs=chosen["config_dirs"], multirun=multirun)


def test_a_suite_is_swept_over_what_stands_beside_it(mine):
    plan = plan_of(mine(), "variant=contiguous,deepseek", "reference=deepseek", multirun=True)
    found = {(c.variant.name, c.workload.name, c.topology_name, c.seed, c.suite, c.part) for c in plan.cells}
    loads = [("", "adrs", 1, TRAINING), ("", "adrs", 2, TRAINING), ("", "vllm_wide", 3, TRAINING)]
    loads += [(" (held-out)", "adrs", seed, HELD_OUT) for seed in (7, 8)]
    name = "mild[num_layers=2,windows=3]"
    assert found == {
        (variant, name + more, topology, seed, "mine", part)
        for variant in ("contiguous", "deepseek")
        for more, topology, seed, part in loads
    }


def test_the_reference_is_measured_on_the_whole_suite(mine):
    cells = plan_of(mine(), "variant=contiguous", "reference=deepseek").cells
    assert [cell.variant.name for cell in cells].count("deepseek") == 5


def test_suite_and_part_are_columns_of_every_result(mine):
    chosen = mine()
    frame = evaluator.evaluate(*chosen["overrides"], "measure=quality", config_dirs=chosen["config_dirs"])
    assert set(frame["suite"]) == {"mine"}
    assert frame.groupby("part")["seed"].unique().map(sorted).to_dict() == {HELD_OUT: [7, 8], TRAINING: [1, 2, 3]}
    alone = evaluator.evaluate(*SMALL.split(), *chosen["overrides"][1:], "seed=1", "measure=quality")
    assert alone["suite"].isna().all()
    same = frame[(frame["seed"] == 1)]
    pd.testing.assert_series_equal(
        same["balancedness_gpu_next"].reset_index(drop=True), alone["balancedness_gpu_next"].reset_index(drop=True)
    )


@pytest.mark.long
def test_loads_that_are_not_those_of_the_suite_are_an_error_before_anything_is_measured(mine, tmp_path):
    hashes = made_of(plan_of(mine()).suite, lambda _: None)[0].hashes
    right = {**MINE["training"]["mild"], "loads": list(hashes.values())}
    chosen = mine(training={"mild": right})
    assert len(evaluator.evaluate(*chosen["overrides"], "measure=quality", config_dirs=chosen["config_dirs"])) == 12
    wrong = mine(training={"mild": right | {"loads": [hashes[1], "0" * 16]}})
    files = set((tmp_path / "runs" / "default").glob("*.parquet"))
    with pytest.raises(UnusableWorkload, match="training, 'mild': the load of seed 2 is not the one"):
        evaluator.evaluate(*wrong["overrides"], "variant=seed", "measure=quality", config_dirs=wrong["config_dirs"])
    assert set((tmp_path / "runs" / "default").glob("*.parquet")) == files
    with pytest.raises(UnusableWorkload, match="the load of seed 2 is not the one"):
        _ = settings_of(plan_of(wrong)).training[0].traces


def test_candidates_are_judged_on_a_suite(mine):
    settings = settings_of(plan_of(mine(), "measure=quality"))
    assert [stratum.seeds for stratum in settings.training] == [(1, 2), (3,)]
    assert [stratum.seeds for stratum in settings.held_out] == [(7, 8)]
    assert (settings.suite, settings.topology_name) == ("mine", "adrs, vllm_wide")
    with pytest.raises(EplbError, match="suite=mine says which traces there are"):
        settings_of(plan_of(mine()), Choices(traces=3))
    assert with_defaults(["suite=mine"]) == ["run=scores", "suite=mine"]
    assert with_defaults(["score=fork"]) == ["workload=quick", "run=scores", "score=fork"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["workload=quick"], "leave out 'workload=quick'"),
        (["topology.num_slots=320"], "leave out 'topology.num_slots=320'"),
        (["seed=3"], "leave out 'seed=3'"),
        (["experiment=ties"], "leave out 'experiment=ties'"),
        (["suite=eplb_1"], "one suite at a time"),
        (["variant=seed,deepseek"], "is a sweep: add -m"),
    ],
)
def test_what_cannot_stand_beside_a_suite(mine, more, said):
    with pytest.raises(EplbError, match=re.escape(said)):
        plan_of(mine(), *more)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training": {}}, "suite=mine has no training part"),
        ({"name": "yours"}, "suite=mine calls itself 'yours'"),
        ({"training": {"x": {"choose": SMALL, "seeds": []}}}, "seeds must be one or more"),
        ({"training": {"x": {"choose": SMALL, "seeds": [1, 1]}}}, "seeds must be one or more, all different"),
        ({"training": {"x": {"choose": SMALL, "seeds": [1, 2], "loads": ["0"]}}}, "as many loads as seeds, 2"),
        ({"training": {"x": {"choose": "workload=mild,quick", "seeds": [1]}}}, "one workload on one topology"),
        ({"training": {"x": {"choose": "workload=all_equal", "seeds": [1, 2]}}}, "it is one trace"),
        ({"training": {"x": {"choose": "workload=nothing", "seeds": [1]}}}, "no workload 'nothing'"),
        ({"training": {"x": {"seeds": [1]}}}, "needs suite.training.x.choose"),
        ({"training": {"x": {"choose": SMALL, "seeds": [1], "colour": 1}}}, "colour"),
    ],
)
def test_a_suite_that_cannot_be_used_is_a_sentence(mine, changes, said):
    with pytest.raises(EplbError, match=re.escape(said)):
        plan_of(mine(**changes))


def test_an_unknown_suite_is_named_with_the_nearest():
    with pytest.raises(EplbError, match="did you mean 'eplb_1'"):
        make_plan(["suite=epbl_1"])


def test_a_hash_is_that_of_the_counts_and_their_shape():
    counts = np.arange(24).reshape(2, 3, 4)
    assert hash_of_windows(counts) == hash_of_windows(counts.astype(np.int32)) == "c50db51a875b7b1d"
    assert hash_of_windows(counts) != hash_of_windows(counts.reshape(2, 4, 3))


@pytest.mark.long
def test_the_shipped_suites_are_frozen():
    for name in choices("suite"):
        for of_suite in make_plan([f"suite={name}"]).suite.strata:
            assert sorted(of_suite.stratum.frozen.hashes) == sorted(of_suite.stratum.seeds)


def test_the_small_suite_has_the_loads_that_it_was_frozen_with():
    suite = make_plan(["suite=eplb_1"]).suite
    assert [made.differing for made in made_of(suite, lambda _: None)] == [[]] * len(suite.strata)
