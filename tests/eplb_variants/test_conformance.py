"""Every stage and every variant that we ship passes the suite that we ask strangers' to pass."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import Placement, load_variant, testing, variant_names
from eplb_variants.hard_loads import GLOBAL, HIERARCHICAL, Case, hard_loads
from eplb_variants.hierarchy import IMPLEMENTATIONS
from eplb_variants.installed.loading import why_missing
from eplb_variants.placement import groups_stay_together
from eplb_variants.registry import build, find, stages

SUITES = {
    "forecaster": testing.ForecasterConformance,
    "packer": testing.PackerConformance,
    "replicator": testing.ReplicatorConformance,
    "fixup": testing.FixUpConformance,
    "refiner": testing.RefinerConformance,
    "aligner": testing.AlignerConformance,
    "placer": testing.PlacerConformance,
    "dispatcher": testing.DispatcherConformance,
    "reactive": testing.ReactiveConformance,
}
PARAMETERS = {  # beside the defaults, settings under which a stage takes its other paths
    ("packer", "greedy"): [{"refine_steps": 3}],
    ("packer", "diverse"): [{"refine_steps": 2}, {"tie_eps": 1.0, "label_penalty": 0.5}],
    ("packer", "exact"): [{"most": 0}, {"most": 10**4}],
    ("replicator", "divisor"): [{"offset": 0.0}, {"offset": 3.0}, {"offset": -0.99}],
    ("fixup", "k_move"): [{"moves": 0}, {"moves": 2}, {"moves": 50}],
    ("refiner", "swaps"): [{"swaps": 0.0}, {"swaps": 50.0, "enough": 0.0}],
    ("refiner", "transfers"): [{"changes": 0.0}, {"changes": 50.0, "enough": 0.0}],
    ("aligner", "bounded"): [{"max_moves": 0.0}, {"max_moves": 1.0}, {"price": 0.1}],
    ("aligner", "pooled"): [{"max_moves": 0.0}, {"max_moves": 1.0}, {"price": 0.1, "price_anew": 0.01}],
    ("forecaster", "trend"): [{"windows": 2, "damping": 1.0}],
    ("forecaster", "quantile"): [{"q": 1.0, "windows": 1}],
    ("placer", "flashlb"): [
        {"windows": 2, "depth": 1},
        {"width": 0, "enough": 0.0},
        {"enough": 1.0, "depth": 9, "width": 1},
    ],
    ("placer", "swift_balancer"): [{"increment": 0.0, "balanced": 1.0, "least": 0.0}, {"swaps": 0}],
    ("placer", "omni"): [{"near": 1.0, "copies": 1}, {"steps": 0}],
    ("forecaster", "adaptive"): [{"windows": 2}, {"windows": 3, "pool": 0.0}, {"pool": 1.0, "jump": 1.5}],
    ("placer", "hot_ring"): [{"theta": 0.05}, {"theta": 3.0}],
    ("reactive", "ultraep"): [{"least": 0.0, "within": 1e-6}, {"free": 1, "least": 5.0}],
    ("reactive", "moonep"): [{"free": 1}],
    ("reactive", "llep"): [{"least": 0.0, "threshold": 1.0, "alpha": 1.0}, {"free": 1, "least": 5.0}],
    ("replicator", "hybrid"): [{"tail": 1.0}, {"tail": 0.0}],
}


def checks(suite):
    return [name for name in dir(suite) if name.startswith("test_")]


def engine_case(*values, engine, **options):
    """Return a case that is run where its engine is installed; ``engine`` is empty where it needs none."""
    why = why_missing(engine) if engine else ""
    marks = [pytest.mark.engines, pytest.mark.skipif(bool(why), reason=why)] if engine else []
    return pytest.param(*values, marks=marks, **options)


def stage_cases():
    for stage in stages():
        for settings in [{}, *PARAMETERS.get((stage.kind, stage.name), [])]:
            for check in checks(SUITES[stage.kind]):
                case = f"{stage.kind}-{stage.name}-{settings}-{check}"
                yield engine_case(stage, settings, check, engine=stage.requires, id=case)


@pytest.mark.parametrize(("stage", "settings", "check"), list(stage_cases()))
def test_stage(stage, settings, check):
    class Suite(SUITES[stage.kind]):
        def make(self):
            return build(stage.kind, {"name": stage.name, **settings})

    getattr(Suite(), check)()


def variant_cases():
    for name in variant_names():
        placer = load_variant(name).config.get("placer")
        yield engine_case(name, engine=find("placer", placer["name"]).requires if placer else "", id=name)


@pytest.mark.parametrize("check", checks(testing.VariantConformance))
@pytest.mark.parametrize("name", list(variant_cases()))
def test_variant(name, check):
    class Suite(testing.VariantConformance):
        def make(self):
            return load_variant(name)

    getattr(Suite(), check)()


@pytest.mark.parametrize("packer", [s.name for s in stages("packer")])
@pytest.mark.parametrize("replicator", [s.name for s in stages("replicator")])
@pytest.mark.parametrize("fixup", [s.name for s in stages("fixup")])
@pytest.mark.parametrize("forecaster", [s.name for s in stages("forecaster")])
def test_stages_combine(packer, replicator, fixup, forecaster):
    """Any composition of stages is a variant, and the hierarchical policy keeps every group on one node."""
    config = {
        "forecaster": forecaster,
        "group_packer": packer,
        "gpu_packer": packer,
        "replicator": replicator,
        "fixup": fixup,
        "policy": "hierarchical",
    }
    variant = load_variant(config)
    for name, load in hard_loads().items():
        placement = testing.check_balancer(
            lambda load, topology: variant.place(load, topology), Case(name, load, HIERARCHICAL)
        )
        assert groups_stay_together(placement, 4), name


@pytest.fixture(params=IMPLEMENTATIONS)
def deepseek(request):
    """Return a variant in each of its implementations."""
    return load_variant({**load_variant("deepseek").config, "implementation": request.param})


class TestTheSuiteCatches:
    """A suite that cannot fail is worth nothing: each cheat must be caught."""

    case = Case("mild", hard_loads()["mild"], GLOBAL)

    def test_a_changed_input(self, deepseek):
        def cheat(load, topology):
            placement = deepseek.place(load, topology)
            load[:] = 1
            return placement

        with pytest.raises(AssertionError, match="changed in place"):
            testing.check_balancer(cheat, self.case)

    def test_a_different_answer_each_time(self):
        calls = iter(range(9))

        def cheat(load, topology):
            return load_variant({"placer": {"name": "random", "seed": next(calls)}}).place(load, topology)

        with pytest.raises(AssertionError, match="different placements"):
            testing.check_balancer(cheat, self.case)

    def test_a_dropped_expert(self, deepseek):
        def cheat(load, topology):
            made = deepseek.place(load, topology)
            phy2log = np.where(made.phy2log == 3, 4, made.phy2log)
            return Placement(phy2log, made.rank, load.shape[1], topology)

        with pytest.raises(AssertionError, match="no slot for expert 3"):
            testing.check_balancer(cheat, self.case)

    def test_a_group_torn_apart(self):
        placement = load_variant("round_robin").place(self.case.load, HIERARCHICAL)
        assert not groups_stay_together(placement, 4)

    def test_a_packer_that_overfills(self):
        class Suite(testing.PackerConformance):
            def make(self):
                def overfill(weights, labels, num_packs):
                    packing = build("packer", "greedy")(weights, labels, num_packs)
                    return packing._replace(pack_index=np.zeros_like(packing.pack_index))

                return overfill

        with pytest.raises(AssertionError, match="packs"):
            Suite().test_fills_every_pack_with_equally_many()

    def test_a_variant_that_takes_anything(self):
        class Careless:
            def place(self, load, topology, previous=None):
                return None

        class Suite(testing.VariantConformance):
            def make(self):
                return Careless()

        with pytest.raises(AssertionError, match="was not refused"):
            Suite().test_refuses_bad_loads_before_any_work()
