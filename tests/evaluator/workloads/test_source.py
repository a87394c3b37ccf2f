"""Every kind of workload keeps the protocol, and a further one is a class and an entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from eplb_variants import EplbError
from evaluator.sweep.cell import Workload
from evaluator.sweep.plan import make_plan
from evaluator.sweep.run import run
from evaluator.workloads import KINDS, load_workload
from evaluator.workloads.readers import canonical_npz
from evaluator.workloads.source import parameters
from evaluator.workloads.trace import Trace


@pytest.fixture(params=[*KINDS])
def source(request, tmp_path):
    """Return a source of each kind."""
    canonical_npz.write(Trace(np.arange(1, 25).reshape(2, 3, 4)), tmp_path / "x.npz")
    small = {
        "synthetic": {"num_layers": 2, "windows": 3},
        "recorded": {"path": str(tmp_path / "x.npz")},
        "shipped": {"recording": "byte_moe"},
    }
    return load_workload({"kind": request.param, **small[request.param]})


def test_steps_are_those_of_the_trace(source):
    np.testing.assert_array_equal(np.stack(list(source.steps(2))), source.make(2).counts)


def test_the_seed_makes_a_difference_where_it_is_said_to(source):
    assert (source.make(0).counts != source.make(1).counts).any() == source.seeded


def test_a_source_is_told_apart_without_being_made(source):
    source.check(1)
    assert len(source.identity()) == 64
    assert not set(source.located_by) & set(parameters(source))
    assert isinstance(source.is_long, bool)
    assert source.own_name is None or source.own_name in ("x", "byte_moe")


def test_an_unknown_kind_is_named():
    with pytest.raises(EplbError, match="did you mean 'recorded'"):
        load_workload({"kind": "recordd"})


@dataclass(frozen=True)
class Ramp:
    """A third kind: loads that rise from expert to expert."""

    located_by: ClassVar[tuple[str, ...]] = ()
    seeded: ClassVar[bool] = False
    is_long: ClassVar[bool] = False
    own_name: ClassVar[None] = None
    read_as: ClassVar[None] = None

    experts: int = 16

    def identity(self, kept=None):
        return "ramp"

    def check(self, interval):
        pass

    def steps(self, seed):
        yield from self.make(seed).counts

    def make(self, seed):
        return Trace(np.arange(3 * 2 * self.experts).reshape(3, 2, self.experts))


def test_a_third_kind_is_a_class_an_entry_and_a_yaml(monkeypatch, tmp_path):
    """It is configured with its types, named, seeded and measured as the others are; nothing else knows of it."""
    monkeypatch.setitem(KINDS, "ramp", Ramp)
    folder = tmp_path / "conf" / "workload"
    folder.mkdir(parents=True)
    (folder / "slope.yaml").write_text("defaults:\n  - /schema/workload/ramp@_here_\n  - _self_\nname: slope\n")
    overrides = [
        *("workload=slope", "workload.experts=8", "seed=3", "variant=seed", "measure=quality"),
        *("topology.num_slots=12", "topology.num_groups=1", "topology.num_nodes=1", "topology.num_gpus=4"),
        f"runs_dir={tmp_path / 'runs'}",
    ]
    plan = make_plan(overrides, config_dirs=[str(tmp_path / "conf")])
    assert {(cell.workload.name, cell.seed) for cell in plan.cells} == {("slope[experts=8]", 0)}
    assert run(plan).measured == 2
    with pytest.raises(EplbError, match="experts=x"):
        make_plan(["workload=slope", "workload.experts=x"], config_dirs=[str(tmp_path / "conf")])


def test_a_workload_that_is_elsewhere_is_the_same(tmp_path):
    made = []
    for name in ("a.npz", "b.npz"):
        canonical_npz.write(Trace(np.ones((2, 3, 4), dtype=int)), tmp_path / name)
        config = {"kind": "recorded", "path": str(tmp_path / name), "interval": 1, "max_windows": 0}
        made.append(Workload(name, config))
    assert made[0].identity == made[1].identity
