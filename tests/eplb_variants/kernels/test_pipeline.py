"""The fused pipeline: who goes through it, and that neither it nor its threads change an answer."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import Topology, load_variant, variant_names
from eplb_variants.hard_loads import hard_loads
from eplb_variants.kernels import pipeline

STAGED = [name for name in variant_names() if "placer" not in load_variant(name).config]


def assert_same(one, other):
    for array in ("phy2log", "rank"):
        np.testing.assert_array_equal(getattr(one, array), getattr(other, array))


@pytest.mark.parametrize("name", sorted({*STAGED} - {"serpentine"}))  # which deals all rows at once, without a kernel
def test_shipped_variants_go_through_the_pipeline(name):
    """Their speed rests on it, so a kernel that lost its part in it would be missed here and not by a benchmark."""
    placer = load_variant(name).placer
    assert pipeline.Pipeline.of(placer.replicator, placer.fixup, placer.gpu_packer, 64, 72) is not None


def test_threads_do_not_change_the_answer(monkeypatch):
    monkeypatch.setattr(pipeline, "SLOTS_A_THREAD", 1000)
    load = np.random.default_rng(3).lognormal(size=(61, 256))
    for topology in (Topology(288, 8, 4, 32), Topology(288, 1, 1, 144)):
        for name in STAGED:
            config = load_variant(name).config
            one = load_variant(config).place(load, topology)
            for threads in (2, 3, 7):
                many = load_variant({**config, "threads": threads}).place(load, topology)
                assert_same(one, many)


def test_stages_composed_one_by_one_answer_as_the_pipeline_does(monkeypatch):
    topology = Topology(48, 4, 2, 8)
    in_one_go = {}
    for case, load in hard_loads(5, 32).items():
        in_one_go[case] = [load_variant(name).place(load, topology) for name in STAGED]
    monkeypatch.setattr(pipeline.Pipeline, "of", lambda *stages: None)
    for case, load in hard_loads(5, 32).items():
        for name, expected in zip(STAGED, in_one_go[case], strict=True):
            composed = load_variant(name).place(load, topology)
            assert_same(composed, expected)
