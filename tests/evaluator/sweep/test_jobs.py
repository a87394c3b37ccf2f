"""A sweep is cut into as many shares as its launcher can use, or as many as the user says."""

from __future__ import annotations

import os

import pytest

from evaluator.config.launching import Capacity, capacity
from evaluator.sweep.jobs import cut
from evaluator.sweep.plan import make_plan
from evaluator.sweep.work import timing_key

CELLS = [f"cell {number}" for number in range(1000)]


@pytest.mark.parametrize(
    ("asked", "can", "shares"),
    [
        (0, Capacity(400, here=False, reused=False), 400),
        (0, Capacity(2, here=True, reused=True), 8),
        (0, Capacity(5000, here=False, reused=False), 1000),
        (30, Capacity(2, here=True, reused=True), 30),
        (5000, Capacity(2, here=True, reused=True), 1000),
    ],
)
def test_shares_are_as_many_as_can_be_used_and_hold_every_cell_once(asked, can, shares):
    parts = cut(CELLS, asked, can)
    assert len(parts) == shares
    assert [cell for part in parts for cell in part] == CELLS
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_nothing_to_do_is_no_share():
    assert cut([], 0, Capacity(4, here=True, reused=True)) == ()


@pytest.mark.parametrize(
    ("launcher", "expected"),
    [
        (["hydra/launcher=joblib", "hydra.launcher.n_jobs=3"], Capacity(3, here=True, reused=True)),
        (["hydra/launcher=joblib"], Capacity(len(os.sched_getaffinity(0)), here=True, reused=True)),
        (["hydra/launcher=submitit_local"], Capacity(len(os.sched_getaffinity(0)), here=True, reused=False)),
        (
            ["hydra/launcher=submitit_slurm", "hydra.launcher.array_parallelism=500"],
            Capacity(500, here=False, reused=False),
        ),
        (["hydra/launcher=basic"], Capacity(1, here=True, reused=True)),
    ],
    ids=str,
)
def test_what_a_launcher_can_do_at_once_is_read_from_its_settings(launcher, expected):
    assert capacity(launcher) == expected


def test_times_of_a_cluster_have_one_key_whatever_machine_plans_them(monkeypatch, tmp_path):
    """Which node takes them is not known before; on this machine the machine counts."""
    cluster = ["hydra/launcher=submitit_slurm"]

    def key(machine, launcher):
        monkeypatch.setattr("evaluator.sweep.work.describe_machine", lambda: machine)
        return timing_key(make_plan(["workload=quick", f"runs_dir={tmp_path}", *launcher]))

    assert key("login", cluster) == key("another login", cluster)
    assert key("login", []) != key("another login", [])
