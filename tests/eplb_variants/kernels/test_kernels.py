"""Kernels answer as the readable stages do, slot by slot, ties included: on hard loads, random ones and references."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eplb_variants import EplbError, Topology, load_variant, variant_names
from eplb_variants.contracts import Replication
from eplb_variants.fixup.k_move import KMove
from eplb_variants.hard_loads import cases, hard_loads
from eplb_variants.kernels import accelerate, pipeline
from eplb_variants.kernels.order import heaviest_first
from eplb_variants.kernels.tree import LAST, build, new_tree, runner_up, update
from eplb_variants.packing.diverse import Diverse
from eplb_variants.packing.greedy import Greedy
from eplb_variants.registry import build as build_stage
from eplb_variants.registry import stages
from eplb_variants.replication.dhondt import dhondt
from eplb_variants.replication.hybrid import Hybrid
from eplb_variants.replication.none import none

REFERENCE = Path(__file__).parents[2] / "data" / "reference"
STAGED = [name for name in variant_names() if "placer" not in load_variant(name).config]
SEEDS = st.integers(0, 2**32 - 1)


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


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@given(SEEDS)
def test_packers(seed):
    draw = np.random.default_rng(seed)
    num_packs = int(draw.integers(1, 10))
    num_items = num_packs * int(draw.integers(1, 12))
    weights = random_loads(draw, 4, num_items)
    labels = draw.integers(0, max(1, num_items // 2), weights.shape)
    steps = int(draw.integers(0, 4))
    eps, penalty = float(draw.choice([0, 1e-6, 0.3, 1.0])), float(draw.choice([0, 1e-8, 0.2, 2.0]))
    for stage in (Greedy(steps), Diverse(steps, eps, penalty)):
        assert_same(accelerate(stage)(weights, labels, num_packs), stage(weights, labels, num_packs))


@given(SEEDS)
def test_replicators_and_fixup(seed):
    draw = np.random.default_rng(seed)
    num_experts = int(draw.integers(1, 14))
    num_slots = num_experts + int(draw.integers(0, 20))
    load = random_loads(draw, 4, num_experts)
    for stage in (dhondt, Hybrid(float(draw.choice([0, 0.1, 0.5, 1.0])))):
        assert_same(accelerate(stage)(load, num_slots), stage(load, num_slots))
    given_counts = none(load, num_slots)
    before = Replication(*(array.copy() for array in given_counts))
    fixup = KMove(int(draw.integers(0, 5)))
    assert_same(accelerate(fixup)(load, given_counts), fixup(load, given_counts))
    assert_same(given_counts, before)


@given(SEEDS)
def test_the_order_is_that_of_a_stable_sort(seed):
    draw = np.random.default_rng(seed)
    weights = random_loads(draw, 3, int(draw.integers(1, 70)))
    np.testing.assert_array_equal(heaviest_first(weights), np.argsort(-weights, axis=1, kind="stable"))


@given(st.lists(st.sampled_from([0.0, 1.0, 1.5, 2.0]), min_size=2, max_size=20), SEEDS)
def test_the_tree_knows_the_smallest_and_the_next(given_values, seed):
    values = list(given_values)
    draw = np.random.default_rng(seed)
    number, key, winner = new_tree(len(values))
    size = number.size // 2
    number[size : size + len(values)] = values
    build(key, winner)
    for _ in range(10):
        assert winner[1] == np.argmin(values)
        assert number[1] == min(values)
        assert runner_up(key, winner) == key[0]
        assert number[0] == np.partition(values, 1)[1]
        place = int(draw.integers(len(values)))
        values[place] = number[size + place] = float(draw.integers(3))
        update(key, winner, place)


def test_a_tree_of_one_has_no_next():
    _, key, winner = new_tree(1)
    build(key, winner)
    assert (winner[1], runner_up(key, winner)) == (0, LAST)


def both(name):
    variant = load_variant(name)
    return variant, load_variant({**variant.config, "implementation": "reference"})


@pytest.mark.parametrize("name", STAGED)
def test_variants_on_every_hard_case(name):
    kernel, oracle = both(name)
    for case in cases():
        ours, theirs = kernel.place(case.load, case.topology), oracle.place(case.load, case.topology)
        np.testing.assert_array_equal(ours.phy2log, theirs.phy2log, err_msg=case.name)
        np.testing.assert_array_equal(ours.rank, theirs.rank, err_msg=case.name)


@pytest.mark.parametrize("name", STAGED)
@pytest.mark.parametrize("file", sorted(REFERENCE.glob("*.npz")), ids=lambda path: path.stem)
def test_variants_on_the_reference_loads(name, file):
    kernel, oracle = both(name)
    data = np.load(file)
    topology = Topology(*data["topology"])
    ours, theirs = kernel.place(data["load"], topology), oracle.place(data["load"], topology)
    np.testing.assert_array_equal(ours.phy2log, theirs.phy2log)
    np.testing.assert_array_equal(ours.rank, theirs.rank)


@pytest.mark.parametrize("name", STAGED)
def test_variants_on_a_thousand_random_layers(name):
    kernel, oracle = both(name)
    draw = np.random.default_rng(7)
    for topology in (Topology(40, 4, 2, 8), Topology(48, 1, 1, 12), Topology(64, 8, 4, 32)):
        for _ in range(50):
            load = random_loads(draw, 7, 32)
            ours, theirs = kernel.place(load, topology), oracle.place(load, topology)
            np.testing.assert_array_equal(ours.phy2log, theirs.phy2log)
            np.testing.assert_array_equal(ours.rank, theirs.rank)


def test_threads_do_not_change_the_answer(monkeypatch):
    monkeypatch.setattr(pipeline, "SLOTS_A_THREAD", 1000)
    load = random_loads(np.random.default_rng(3), 61, 256)
    for topology in (Topology(288, 8, 4, 32), Topology(288, 1, 1, 144)):
        for name in STAGED:
            config = load_variant(name).config
            one = load_variant(config).place(load, topology)
            for threads in (2, 3, 7):
                many = load_variant({**config, "threads": threads}).place(load, topology)
                assert_same((one.phy2log, one.rank), (many.phy2log, many.rank))


def test_stages_composed_one_by_one_answer_as_the_pipeline_does(monkeypatch):
    topology = Topology(48, 4, 2, 8)
    in_one_go = {}
    for case, load in hard_loads(5, 32).items():
        in_one_go[case] = [load_variant(name).place(load, topology) for name in STAGED]
    monkeypatch.setattr(pipeline.Pipeline, "of", lambda *stages: None)
    for case, load in hard_loads(5, 32).items():
        for name, expected in zip(STAGED, in_one_go[case], strict=True):
            composed = load_variant(name).place(load, topology)
            assert_same((composed.phy2log, composed.rank), (expected.phy2log, expected.rank))


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


def test_a_stage_without_a_kernel_is_called_as_it_is():
    def mine(load, replication):
        return replication

    assert accelerate(mine) is mine
    assert accelerate(none) is none


def test_every_stage_that_takes_time_has_a_kernel():
    for stage in [s for kind in ("packer", "replicator", "fixup") for s in stages(kind)]:
        made = build_stage(stage.kind, stage.name)
        assert (accelerate(made) is made) == (stage.name == "none"), stage.name


def test_kernels_refuse_what_the_stages_refuse():
    load = hard_loads()["mild"]
    with pytest.raises(EplbError, match="24 items do not divide into 5 packs"):
        accelerate(Greedy())(load, load.astype(int), 5)
    with pytest.raises(EplbError, match="20 slots are too few for 24"):
        accelerate(dhondt)(load, 20)


def test_an_unknown_implementation_is_refused():
    with pytest.raises(EplbError, match="did you mean 'kernel'"):
        load_variant({**load_variant("seed").config, "implementation": "kernl"})


def test_compiling_ahead_says_what_it_did():
    done = subprocess.run([sys.executable, "-m", "eplb_variants.kernels"], capture_output=True, text=True, check=True)
    assert re.search(r"\d+ compiled, \d+ kept", done.stdout)
    again = subprocess.run([sys.executable, "-m", "eplb_variants.kernels"], capture_output=True, text=True, check=True)
    assert " 0 compiled" in again.stdout, "compiled kernels are kept between processes"
