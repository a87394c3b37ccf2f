"""Limits are checked when they are given; memory is shared by the processes of a machine."""

from __future__ import annotations

import pytest

from eplb_variants import EplbError
from evaluator.sweep import limits
from evaluator.sweep.limits import Limits, machine_memory
from evaluator.sweep.plan import make_plan


def test_memory_is_what_was_asked_for_or_a_share_of_the_machine():
    assert Limits(memory_mib=100).memory_bytes(8) == 100 << 20
    assert Limits().memory_bytes(1) == pytest.approx(0.75 * machine_memory())
    assert Limits().memory_bytes(3) == pytest.approx(0.25 * machine_memory())


def test_a_container_or_a_slurm_job_has_less_than_the_machine(tmp_path, monkeypatch):
    whole = machine_memory()
    none, some = tmp_path / "none", tmp_path / "some"
    none.write_text("max\n")
    some.write_text(f"{64 << 20}\n")
    monkeypatch.setattr(limits, "CGROUP_FILES", (str(none), str(tmp_path / "missing")))
    assert machine_memory() >= whole
    monkeypatch.setattr(limits, "CGROUP_FILES", (str(some),))
    assert machine_memory() == 64 << 20
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "32")
    assert machine_memory() == 32 << 20


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("place_seconds_limit=0", "place_seconds_limit is 0: it must be more than 0"),
        ("memory_mib_limit=-1", "memory_mib_limit is -1: it must be 0"),
        ("shares=-2", "shares is -2: it must be 0 or more"),
        ("place_seconds_limit=soon", "place_seconds_limit"),
    ],
)
def test_a_limit_that_cannot_be_is_named(override, sentence):
    with pytest.raises(EplbError, match=sentence):
        make_plan([override])


def test_a_plan_carries_its_limits_and_other_limits_make_no_other_cells():
    plan = make_plan(["place_seconds_limit=5", "memory_mib_limit=100", "shares=7"])
    assert (plan.limits, plan.shares) == (Limits(5.0, 100), 7)
    assert [cell.key for cell in plan.cells] == [cell.key for cell in make_plan([]).cells]
