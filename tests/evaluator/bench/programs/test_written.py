"""A composition written out is a program that places as the variant does, and no two known ones place alike."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import EplbError, Topology, load_variant
from evaluator.bench.programs.written import known_compositions, written_out
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.workloads.synthetic import Synthetic

HIERARCHICAL, GLOBAL = Topology(80, 8, 2, 8), Topology(80, 1, 1, 8)
ODD_GROUPS = Topology(72, 3, 2, 8)
LOADS = Synthetic(num_layers=3, num_experts=64, top_k=2, num_groups=8, tokens=9000, requests=20, windows=3).make(0)
WINDOWS = LOADS.windows(1)
NAMED = ("deepseek", "seed_parent", "seed")
SOME = known_compositions()[5::14]
"""Of every replicator one, of every packer one."""


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.mark.parametrize("variant", [*map(load_variant, NAMED), *SOME], ids=lambda variant: variant.name)
def test_a_program_answers_in_the_sandbox_what_the_variant_places(sandbox, variant):
    program = written_out(variant)
    assert program.name == variant.name
    worker = sandbox.load(program.source)
    for topology in (HIERARCHICAL, GLOBAL, ODD_GROUPS):
        for load in (WINDOWS[0], np.zeros_like(WINDOWS[1])):
            placement = variant.place(load, topology if topology.hierarchical else topology.flat())
            answer = worker.call(load, topology)
            for name in ("phy2log", "log2phy", "logcnt"):
                np.testing.assert_array_equal(getattr(answer, name), getattr(placement, name))
    worker.kill()


@pytest.mark.parametrize("topology", [HIERARCHICAL, GLOBAL], ids=["hierarchical", "global"])
def test_no_two_known_compositions_place_alike(topology):
    load = np.concatenate(
        [
            Synthetic(num_layers=8, num_experts=64, top_k=2, num_groups=8, windows=8).make(0).windows(1)[i]
            for i in range(8)
        ]
    )
    placed = {variant.name: variant.place(load, topology).phy2log.tobytes() for variant in known_compositions()}
    assert len(placed) == len(set(placed.values())) == 48


def test_programs_need_nothing_of_this_project_and_no_kernels():
    source = written_out(load_variant("deepseek")).source
    assert "'eplb_variants.replication.dhondt'" in source
    assert "'eplb_variants.replication.hybrid'" not in source
    assert "import numba" not in source


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"forecaster": {"name": "mean", "windows": 2}}, "forecasts: a program sees one load"),
        ({}, "is not composed of stages of this package"),
    ],
)
def test_what_no_program_can_do_is_refused(config, reason):
    with pytest.raises(EplbError, match=reason):
        written_out(load_variant({"placer": "contiguous", **config}))
