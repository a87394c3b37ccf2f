"""Kernels answer as the readable stages do, slot by slot, ties included: on hard loads, random ones and references.

Every registered stage is tried, and every composition of them; nothing here names a stage that has a kernel.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from inspect import isfunction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eplb_variants import (
    EplbError,
    Packing,
    Placement,
    Replication,
    Topology,
    check_placement,
    load_variant,
    register,
    variant_names,
)
from eplb_variants.contracts import takes_history
from eplb_variants.hard_loads import HIERARCHICAL, cases, hard_loads
from eplb_variants.kernels import accelerate, compiled_stages, compiles
from eplb_variants.kernels.packing import PackRule
from eplb_variants.packing.diverse import Diverse
from eplb_variants.packing.greedy import Greedy
from eplb_variants.registry import build as build_stage
from eplb_variants.registry import stages
from eplb_variants.replication.dhondt import dhondt
from eplb_variants.variant import STEPS, WITHIN_A_STEP

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "tests" / "data" / "reference"
STAGED = [name for name in variant_names() if "placer" not in load_variant(name).config]
SEEDS = st.integers(0, 2**32 - 1)
KINDS = sorted({*STEPS.values(), "forecaster", "placer", *WITHIN_A_STEP})
"""Kinds of stages that kernels are looked for."""
STAGES = [stage for kind in KINDS for stage in stages(kind) if not stage.requires]
VALUES = {int: (0, 1, 2, 3, 50), float: (0.0, 1e-8, 1e-6, 0.1, 0.3, 0.5, 1.0, 2.0), bool: (False, True)}
"""What the parameters of stages are set to; a setting that a stage refuses is drawn again."""


def random_loads(draw, rows, items):
    """Return loads with and without ties, equal but for their last bits, tiny, huge, or none at all."""
    kinds = (
        lambda: draw.lognormal(size=(rows, items)) * 100,
        lambda: draw.integers(0, 4, (rows, items)).astype(float),
        lambda: np.zeros((rows, items)),
        lambda: np.full((rows, items), draw.random()),
        lambda: 1 + draw.integers(0, 3, (rows, items)) * 2.0**-52,
        lambda: draw.lognormal(sigma=3, size=(rows, items)) * 1e-9,
        lambda: draw.lognormal(sigma=3, size=(rows, items)) * 1e12,
        lambda: draw.integers(0, 50, (rows, items)) / draw.integers(1, 5, (rows, items)),
    )
    return kinds[draw.integers(len(kinds))]()


def with_random_parameters(stage, draw):
    """Return the stage made with settings that it takes."""
    while True:
        settings = {
            name: VALUES[hint][draw.integers(len(VALUES[hint]))] if hint in VALUES else default
            for name, (hint, default) in stage.parameters.items()
        }
        try:
            return build_stage(stage.kind, {"name": stage.name, **settings})
        except EplbError:
            continue


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def assert_equal_packers(made, draw):
    num_packs = int(draw.integers(1, 10))
    num_items = num_packs * int(draw.integers(1, 12))
    weights = random_loads(draw, 4, num_items)
    labels = draw.integers(0, max(1, num_items // 2), weights.shape)
    assert_same(accelerate(made)(weights, labels, num_packs), made(weights, labels, num_packs))


def assert_equal_replicators(made, draw):
    num_experts = int(draw.integers(1, 14))
    num_slots = num_experts + int(draw.integers(0, 20))
    load = random_loads(draw, 4, num_experts)
    assert_same(accelerate(made)(load, num_slots), made(load, num_slots))


def assert_equal_fixups(made, draw):
    num_experts = int(draw.integers(1, 14))
    load = random_loads(draw, 4, num_experts)
    counts = build_stage("replicator", "none")(load, num_experts + int(draw.integers(0, 20)))
    before = Replication(*(array.copy() for array in counts))
    assert_same(accelerate(made)(load, counts), made(load, counts))
    assert_same(counts, before)


def random_slots(draw, num_experts, num_gpus):
    """Return four rows of slots, every expert among them, packed by nobody; GPUs hold equally many."""
    num_slots = -(-(num_experts + int(draw.integers(0, 12))) // num_gpus) * num_gpus
    rest = draw.integers(0, num_experts, (4, num_slots - num_experts))
    every = np.tile(np.arange(num_experts), (4, 1))
    return draw.permuted(np.concatenate([every, rest], axis=1), axis=1)


def random_speeds(draw, num_gpus):
    """Return speeds of a topology: half the time all alike, else with equals among them."""
    return () if draw.random() < 0.5 else tuple(draw.choice([0.5, 1.0, 1.25], num_gpus).tolist())


def assert_equal_refiners(made, draw):
    num_experts, num_gpus = int(draw.integers(1, 14)), int(draw.integers(1, 6))
    load, slots = random_loads(draw, 4, num_experts), random_slots(draw, num_experts, num_gpus)
    speed = draw.choice([0.5, 1.0, 1.25], (4, num_gpus)) if draw.random() < 0.5 else np.ones((4, num_gpus))
    assert_same(accelerate(made)(load, slots, speed), made(load, slots, speed))


def assert_equal_aligners(made, draw):
    num_nodes = int(draw.integers(1, 3))
    num_experts, num_gpus = num_nodes * int(draw.integers(1, 7)), num_nodes * int(draw.integers(1, 4))
    load = random_loads(draw, 4, num_experts)
    slots, previous = (random_slots(np.random.default_rng(seed), num_experts, num_gpus) for seed in (1, 1))
    previous = draw.permuted(previous, axis=1)
    topology = Topology(slots.shape[1], num_nodes, num_nodes, num_gpus, random_speeds(draw, num_gpus))
    given = (load, slots, topology, previous)
    assert_same(accelerate(made)(*given), made(*given))


def assert_equal_forecasters(made, draw):
    windows, num_experts = int(draw.integers(1, 20)), int(draw.integers(1, 14))
    history = np.stack([random_loads(draw, 4, num_experts) for _ in range(windows)])
    assert_same(accelerate(made)(history), made(history))


def assert_equal_placers(made, draw):
    num_gpus = int(draw.integers(1, 7))
    num_experts = int(draw.integers(1, 14))
    slots = random_slots(draw, num_experts, num_gpus)
    topology = Topology(slots.shape[1], 1, 1, num_gpus, random_speeds(draw, num_gpus))
    windows = int(draw.integers(1, 5))

    def loads():
        history = np.stack([random_loads(draw, 4, num_experts) for _ in range(windows)])
        return history if takes_history(made) else history[-1]

    load = loads()
    first = made(load, topology, None)
    assert_same(accelerate(made)(load, topology, None), first)
    previous = Placement(first.phy2log, first.rank, num_experts, topology)
    later = loads()
    assert_same(accelerate(made)(later, topology, previous), made(later, topology, previous))


def assert_equal_dispatchers(made, draw):
    num_experts, num_gpus = int(draw.integers(1, 14)), int(draw.integers(1, 7))
    load, slots = random_loads(draw, 4, num_experts), random_slots(draw, num_experts, num_gpus)
    topology = Topology(slots.shape[1], 1, 1, num_gpus, random_speeds(draw, num_gpus))
    placement = check_placement(slots, num_experts, topology)
    assert_same(accelerate(made)(load, placement), made(load, placement))


def assert_equal_reactives(made, draw):
    num_experts, num_gpus = int(draw.integers(1, 14)), int(draw.integers(1, 7))
    load, slots = random_loads(draw, 4, num_experts), random_slots(draw, num_experts, num_gpus)
    topology = Topology(slots.shape[1], 1, 1, num_gpus, random_speeds(draw, num_gpus))
    placement = check_placement(slots, num_experts, topology)
    step, meant = accelerate(made)(load, placement), made(load, placement)
    assert_same(step.phy2log, meant.phy2log)
    assert_same(step.share, meant.share)


EQUAL = {
    "packer": assert_equal_packers,
    "replicator": assert_equal_replicators,
    "fixup": assert_equal_fixups,
    "refiner": assert_equal_refiners,
    "aligner": assert_equal_aligners,
    "forecaster": assert_equal_forecasters,
    "placer": assert_equal_placers,
    "dispatcher": assert_equal_dispatchers,
    "reactive": assert_equal_reactives,
}


def registered(stage):
    return f"{stage.kind}-{stage.name}"


@pytest.mark.parametrize("stage", STAGES, ids=registered)
@given(SEEDS)
def test_every_stage_and_its_kernel_answer_alike(stage, seed):
    draw = np.random.default_rng(seed)
    EQUAL[stage.kind](with_random_parameters(stage, draw), draw)


def test_every_kernel_is_that_of_a_registered_stage():
    """A kernel of something that nobody can name would be tested by nobody."""
    factories = [stage.factory for stage in STAGES]
    assert compiled_stages()
    for made_by in compiled_stages():
        assert made_by in factories, made_by


def both(config):
    """Return a composition as the kernels and as the readable stages carry it out."""
    config = load_variant(config).config
    return load_variant(config), load_variant({**config, "implementation": "reference"})


def assert_equal_variants(config, load, topology):
    ours, theirs = (variant.place(load, topology) for variant in both(config))
    assert_same((ours.phy2log, ours.rank), (theirs.phy2log, theirs.rank))


@pytest.mark.parametrize("name", STAGED)
def test_variants_on_every_hard_case(name):
    for case in cases():
        assert_equal_variants(name, case.load, case.topology)


@pytest.mark.parametrize("packer", [stage.name for stage in stages("packer")])
@pytest.mark.parametrize("replicator", [stage.name for stage in stages("replicator")])
@pytest.mark.parametrize("fixup", [stage.name for stage in stages("fixup")])
def test_every_composition_is_the_same_with_kernels_and_without(packer, replicator, fixup):
    config = {"group_packer": packer, "replicator": replicator, "fixup": fixup, "gpu_packer": packer}
    for load, topology in product(hard_loads().values(), (HIERARCHICAL, HIERARCHICAL.flat())):
        assert_equal_variants(config, load, topology)


@pytest.mark.parametrize("name", STAGED)
def test_variants_that_look_at_the_past_and_at_what_is_in_place(name):
    draw = np.random.default_rng(3)
    for topology in (HIERARCHICAL, HIERARCHICAL.flat()):
        ours, theirs = both(name)
        previous = None
        history = np.stack([random_loads(draw, 3, 24) for _ in range(6)])
        for windows in range(1, 7):
            placed = [variant.place(history[:windows], topology, previous) for variant in (ours, theirs)]
            assert_same(*((one.phy2log, one.rank) for one in placed))
            previous = placed[0]


@pytest.mark.parametrize("name", STAGED)
@pytest.mark.parametrize("file", sorted(REFERENCE.glob("*.npz")), ids=lambda path: path.stem)
def test_variants_on_the_reference_loads(name, file):
    data = np.load(file)
    topology = Topology(*data["topology"])
    assert_equal_variants(name, data["load"], topology if topology.hierarchical else topology.flat())


@pytest.mark.parametrize("name", STAGED)
def test_variants_on_a_thousand_random_layers(name):
    draw = np.random.default_rng(7)
    for topology in (Topology(40, 4, 2, 8), Topology(48, 1, 1, 12), Topology(64, 8, 4, 32)):
        for _ in range(50):
            assert_equal_variants(name, random_loads(draw, 7, 32), topology)


def test_negative_zeros_and_read_only_loads_are_loads():
    load = hard_loads()["half the experts dead"]
    frozen = np.where(load == 0, -0.0, load)
    frozen.setflags(write=False)
    for stage in (Greedy(2), Diverse(1)):
        assert_same(accelerate(stage)(frozen, load.astype(int), 6), stage(load, load.astype(int), 6))
    assert_same(accelerate(dhondt)(frozen, 40), dhondt(load, 40))
    for name in STAGED:
        kernel, oracle = both(name)
        topology = Topology(36, 4, 2, 6)
        np.testing.assert_array_equal(kernel.place(frozen, topology).phy2log, oracle.place(load, topology).phy2log)


def test_penalties_beyond_all_bounds_overfill_no_pack():
    """An infinite cost is no better than a full pack's, but only open ones are chosen."""
    weights, labels = np.ones((2, 24)), np.zeros((2, 24), dtype=np.int64)
    for stage in (Diverse(0, 1e300, 1e300), Diverse(2, 1.0, 1e308)):
        packing = accelerate(stage)(1e10 * weights, labels, 6)
        assert (np.sort(packing.pack_index * 4 + packing.rank_in_pack, axis=1) == np.arange(24)).all()


@pytest.fixture
def own_names(monkeypatch):
    """Registrations of a test, of stages and of kernels, end with it."""
    from eplb_variants import kernels, registry

    stages()
    compiled_stages()
    monkeypatch.setattr(registry, "_stages", dict(registry._stages))
    monkeypatch.setattr(kernels, "_kernels", dict(kernels._kernels))


@pytest.mark.usefixtures("own_names")
def test_a_stage_without_a_kernel_is_called_as_it_is():
    @register("packer", "mine", "a test's own")
    def mine(weights, labels, num_packs):
        return Greedy()(weights, labels, num_packs)

    assert accelerate(mine) is mine
    EQUAL["packer"](mine, np.random.default_rng(0))
    config = {"group_packer": "mine", "replicator": "dhondt", "fixup": "none", "gpu_packer": "mine"}
    for load in hard_loads().values():
        assert_equal_variants(config, load, HIERARCHICAL)


@pytest.mark.usefixtures("own_names")
def test_a_kernel_of_ones_own_is_one_decorator():
    """It answers for its stage, and takes part in the pipeline if it says how."""

    @register("packer", "mine", "a test's own")
    @dataclass(frozen=True)
    class Mine:
        swaps: int = 1

        def __call__(self, weights, labels, num_packs):
            return Greedy(self.swaps)(weights, labels, num_packs)

    called = []

    @compiles(Mine)
    def mine(stage, weights, labels, num_packs):
        called.append(stage)
        return accelerate(Greedy(stage.swaps))(weights, labels, num_packs)

    stages_of = ("dhondt", "none", "mine")
    config = dict(zip(("replicator", "fixup", "gpu_packer"), stages_of, strict=True)) | {"group_packer": "greedy"}
    load = hard_loads()["mild"]
    assert_equal_variants(config, load, HIERARCHICAL)
    assert called == [Mine()]

    compiles(Mine, fused=lambda stage, *_: PackRule(stage.swaps))(mine)
    assert_equal_variants(config, load, HIERARCHICAL)
    assert called == [Mine()], "the pipeline does not call it"


def test_a_stage_has_one_kernel():
    with pytest.raises(EplbError, match=r"Greedy has a kernel in eplb_variants.kernels.packing already"):
        compiles(Greedy)(lambda *given: None)


STRANGER = """
from eplb_variants import register

@register("packer", "without_a_kernel", "a stranger's")
def without_a_kernel(weights, labels, num_packs):
    from eplb_variants.packing.greedy import Greedy
    return Greedy()(weights, labels, num_packs)
"""


@pytest.mark.long
def test_all_tests_are_green_beside_a_stage_that_has_none(tmp_path):
    """What CONTRIBUTING promises to whoever adds a stage: the tests find it, and ask for no kernel."""
    (tmp_path / "without_a_kernel.py").write_text(STRANGER)
    tests = ["tests/eplb_variants/kernels/test_kernels.py", "tests/eplb_variants/test_conformance.py"]
    chosen = ["-p", "without_a_kernel", "-k", "without_a_kernel or every_kernel", "-n", "0"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen, *tests],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_kernels_refuse_what_the_stages_refuse():
    load = hard_loads()["mild"]
    with pytest.raises(EplbError, match="24 items do not divide into 5 packs"):
        accelerate(Greedy())(load, load.astype(int), 5)
    with pytest.raises(EplbError, match="20 slots are too few for 24"):
        accelerate(dhondt)(load, 20)


def test_an_unknown_implementation_is_refused():
    with pytest.raises(EplbError, match="did you mean 'kernel'"):
        load_variant({**load_variant("seed").config, "implementation": "kernl"})


def test_stages_that_kernels_are_looked_up_by_are_functions_and_classes():
    assert all(isfunction(made_by) or isinstance(made_by, type) for made_by in compiled_stages())
    assert Packing._fields == ("pack_index", "rank_in_pack"), "kernels take it by its fields"
