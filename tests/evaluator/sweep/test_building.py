"""What cells are built from, and what they are called."""

from __future__ import annotations

import pytest

from eplb_variants import Topology
from evaluator.config.composer import Composer
from evaluator.config.session import hydra_session
from evaluator.sweep.building import Builder, label, numbers


def built(*overrides, **more):
    with hydra_session():
        builder = Builder(**more)
        return [builder.cell(point) for point in Composer().points(overrides, multirun=True)], builder


def test_what_is_equal_is_built_once():
    """So that a sweep of thousands of cells holds a few variants and workloads, and reads a recording once."""
    cells, _ = built("variant=seed,deepseek", "seed=0,1")
    assert cells[0].variant is cells[1].variant
    assert len({id(cell.workload) for cell in cells}) == 1
    assert len({id(cell.topology) for cell in cells}) == 1


def test_a_seed_that_makes_no_difference_is_said_and_is_nought():
    (cell,), builder = built("workload=all_equal", "seed=3")
    assert cell.seed == 0
    assert "seed=0" in cell.overrides
    assert list(builder.unseeded) == ["the seeds of 'all_equal', which is the same for every seed"]


def test_what_concerns_all_cells_is_said_of_each():
    (cell,), _ = built("variant=seed", extra=("--config-dir=mine",))
    assert cell.overrides[:2] == ("--config-dir=mine", "variant=seed")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "mine"),
        ({"summary": "another line"}, "mine"),
        ({"policy": "global"}, "mine[policy=global]"),
        ({"gpu_packer": {"name": "greedy", "refine_steps": 2}}, "mine[gpu_packer.refine_steps=2]"),
        ({"gpu_packer": {"name": "diverse", "refine_steps": 0}}, "mine[gpu_packer.name=diverse]"),
    ],
)
def test_a_name_has_what_differs_from_the_preset(changes, name):
    preset = {
        "name": "mine",
        "summary": "",
        "policy": "auto",
        "gpu_packer": {"name": "greedy", "refine_steps": 0},
    }
    assert label({**preset, **changes}, preset) == name


def test_a_machine_without_a_name_is_called_by_its_numbers():
    assert numbers(Topology(72, 8, 2, 8)) == "slots72_groups8_nodes2_gpus8"
