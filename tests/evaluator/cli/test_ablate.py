"""``eplb ablate`` as a user runs it."""

from __future__ import annotations

import json

import pandas as pd
import pytest

SMALL = ["workload.num_layers=2", "workload.windows=8", "workload.tokens=5000", "seed=0,1", "workload=dsr1_decode"]
TINY = ["experiment=seed_factorial", "measure=quality", "variant.fixup.moves=0,1", *SMALL]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("measured")


@pytest.fixture(scope="module")
def measured(eplb_in, folder):
    """Measure a tiny factorial."""
    eplb = eplb_in(folder)
    eplb("evaluate", "-m", *TINY, check=0)
    return eplb


def test_from_a_ready_study_to_a_table(measured, folder):
    done = measured("ablate", "runs/seed_factorial", "--reference", "seed_parent", "--csv", "e.csv", check=0)
    assert done.stderr == ""
    assert "fixup.moves 0 vs 1" in done.stdout
    assert "gpu_packer.name diverse vs greedy" in done.stdout
    assert "over 2 traces" in " ".join(done.stdout.split())
    assert (folder / "runs" / "seed_factorial" / "_plots" / "ablation.svg").exists()
    effects = pd.read_csv(folder / "e.csv")
    moves = effects[(effects["factor"] == "fixup.moves") & (effects["metric"] == "balancedness_gpu_next")]
    assert moves["effect"].tolist() == [0.0], "with three or more experts the fix-up never finds a move"
    assert set(effects["kind"]) == {"main", "interaction"}


def test_json_is_one_document_on_stdout(measured):
    done = measured("ablate", "runs/seed_factorial", "--json", "--metric", "moved_slots", "--out", "here", check=0)
    document = json.loads(done.stdout)
    assert {effect["metric"] for effect in document["effects"]} == {"moved_slots"}
    assert {factor["name"] for factor in document["factors"]} == {
        "replicator.name",
        "fixup.moves",
        "gpu_packer.name",
        "gpu_packer.refine_steps",
    }
    assert "plot: here/ablation.png" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--metric", "moved"], "no metric 'moved': did you mean 'moved_slots'"),
        (["--metric", "log_time_ratio"], "log_time_ratio was not measured in these runs"),
        (["--reference", "seed_parnt"], "no measured variant 'seed_parnt': did you mean 'seed_parent'"),
        (["--csv", "no/where.csv"], "'no/where.csv' cannot be written"),
    ],
)
def test_a_mistake_is_a_sentence(measured, arguments, says):
    done = measured("ablate", "runs/seed_factorial", *arguments, check=2)
    assert says in done.stderr


def test_a_run_without_factors_is_a_sentence(eplb):
    eplb("evaluate", "run=one", "variant=seed", "reference=seed", "measure=quality", *SMALL[:3], check=0)
    done = eplb("ablate", "runs/one", check=2)
    assert "nothing is ablated here: all cells are of 'seed' on one topology" in done.stderr
