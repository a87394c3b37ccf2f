"""Names of experts matter where loads tie, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import Topology, load_variant
from evaluator.quality.renamed import renamed_balances
from evaluator.quality.replay import replay

TOPOLOGY = Topology(40, 4, 2, 4)
DISTINCT = np.random.default_rng(0).permuted(np.tile(np.arange(1, 97) ** 2, (5, 3, 1)), axis=2)[:, :, :32]
TIED = np.random.default_rng(1).integers(0, 4, (5, 3, 32))
MEAN = load_variant({**load_variant("deepseek").config, "forecaster": {"name": "mean", "windows": 2}})


@pytest.mark.parametrize(
    "variant", [load_variant("deepseek"), load_variant("seed"), MEAN], ids=["last", "seed", "mean"]
)
def test_without_ties_every_renaming_is_the_run_itself(variant):
    run = [row["balancedness_gpu_next"] for row in list(replay(variant, DISTINCT, TOPOLOGY))[:-1]]
    found = renamed_balances(variant, DISTINCT, TOPOLOGY, 3)
    assert found.shape == (3, 4)
    np.testing.assert_allclose(found, np.tile(run, (3, 1)))


def test_where_loads_tie_renamings_differ_and_a_seed_repeats_them():
    found, again, other = (renamed_balances(load_variant("deepseek"), TIED, TOPOLOGY, 4, seed) for seed in (1, 1, 2))
    assert found.mean(axis=1).std() > 0
    np.testing.assert_array_equal(found, again)
    assert (found != other).any()


def test_a_single_window_is_judged_on_itself():
    (row,) = replay(load_variant("deepseek"), DISTINCT[:1], TOPOLOGY)
    found = renamed_balances(load_variant("deepseek"), DISTINCT[:1], TOPOLOGY, 2)
    np.testing.assert_allclose(found, np.full((2, 1), row["balancedness_gpu_own"]))
