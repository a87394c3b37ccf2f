"""A guest's stage that breaks its contract is named, with the first row that shows it, whatever runs beside it.

Each cheat is tried in both implementations: the readable stages would raise somewhere, or answer nonsense; kernels
would read and write wherever an index points.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import pytest

from eplb_variants import EplbError, Packing, Replication, load_variant, register, registry
from eplb_variants.checks import CHECKS, guarded, is_proven
from eplb_variants.contracts import Forecaster
from eplb_variants.forecasting.last import last
from eplb_variants.hard_loads import GLOBAL, HIERARCHICAL, cases, hard_loads
from eplb_variants.hierarchy import IMPLEMENTATIONS, Staged
from eplb_variants.kernels import compiled_stages, compiles
from eplb_variants.packing.greedy import Greedy
from eplb_variants.registry import KINDS, find, stages
from eplb_variants.replication.dhondt import dhondt
from eplb_variants.variant import Variant

LOAD = hard_loads()["mild"]
DEEPSEEK = {"group_packer": "greedy", "replicator": "dhondt", "fixup": "none", "gpu_packer": "greedy"}


@pytest.fixture(autouse=True)
def own_names(monkeypatch):
    from eplb_variants import kernels

    stages()
    compiled_stages()
    monkeypatch.setattr(registry, "_stages", dict(registry._stages))
    monkeypatch.setattr(kernels, "_kernels", dict(kernels._kernels))


def greedy(weights, labels, num_packs):
    return Greedy()(weights, labels, num_packs)


def changed(array, index, value):
    array = array.copy()
    array[index] = value
    return array


def with_nan(array):
    return changed(array.astype(float), (0, 1), np.nan)


PACKERS = {
    "off by one": (lambda p: Packing(p.pack_index + 1, p.rank_in_pack), r"of row 0 is put in pack 6"),
    "negative": (lambda p: Packing(p.pack_index - 1, p.rank_in_pack), r"of row 0 is put in pack -1"),
    "far off": (lambda p: Packing(p.pack_index + 2**40, p.rank_in_pack), r"of row 0 is put in pack 1099511627"),
    "beyond int64": (lambda p: Packing(p.pack_index.astype(np.uint64) + 2**63, p.rank_in_pack), "is put in pack -922"),
    "ranks off by one": (lambda p: Packing(p.pack_index, p.rank_in_pack + 1), r"in place 6: places in a pack are"),
    "all in one": (lambda p: Packing(p.pack_index * 0, p.rank_in_pack), r"row 0 puts several items in place 0 of pack"),
    "ranks not a permutation": (lambda p: Packing(p.pack_index, p.rank_in_pack * 0), r"several items in place 0 of"),
    "one pack too full": (
        lambda p: Packing(changed(p.pack_index, (2, 0), 0), changed(p.rank_in_pack, (2, 0), 0)),
        "row 2 puts",
    ),
    "too short": (lambda p: Packing(p.pack_index[:, :-1], p.rank_in_pack[:, :-1]), r"pack_index has shape \[5, 35\]"),
    "too wide": (
        lambda p: Packing(np.hstack([p.pack_index] * 2), p.rank_in_pack),
        r"shape \[5, 72\]: it must be \[5, 36\]",
    ),
    "a row missing": (lambda p: Packing(p.pack_index[1:], p.rank_in_pack[1:]), r"pack_index has shape \[4, 36\]"),
    "one axis": (lambda p: Packing(p.pack_index.ravel(), p.rank_in_pack), "must have 2 axes"),
    "fractional": (
        lambda p: Packing(p.pack_index + 0.5, p.rank_in_pack),
        "holds float64 values: it must hold integers",
    ),
    "not a number": (lambda p: Packing(with_nan(p.pack_index), p.rank_in_pack), "holds float64 values"),
    "booleans": (lambda p: Packing(p.pack_index > 0, p.rank_in_pack), "holds bool values"),
    "objects": (lambda p: Packing(p.pack_index.astype(object), p.rank_in_pack), "holds object values"),
    "ragged": (lambda p: Packing([[0], [1, 2]], p.rank_in_pack), "pack_index is not an array"),
    "a bare tuple": (lambda p: (p.pack_index, p.rank_in_pack), "it returned a tuple: it must return a Packing"),
    "nothing": (lambda p: None, "it returned a NoneType"),
}
REPLICATORS = {
    "off by one": (lambda r: r._replace(phy2log=r.phy2log + 1), r"row 0 puts expert 24 in slot"),
    "negative": (lambda r: r._replace(phy2log=r.phy2log - 1), r"row 0 puts expert -1 in slot \d"),
    "far off": (lambda r: r._replace(phy2log=changed(r.phy2log, (3, 7), 2**50)), r"row 3 puts expert 11258999"),
    "an expert dropped": (
        lambda r: r._replace(phy2log=np.where(r.phy2log == 3, 4, r.phy2log)),
        r"no slot for expert 3",
    ),
    "counts of zero": (lambda r: r._replace(logcnt=r.logcnt * 0), r"row 0 claims 0 copies of expert 0"),
    "counts that do not add up": (lambda r: r._replace(logcnt=r.logcnt + 1), r"row 0 claims"),
    "ranks beyond the copies": (lambda r: r._replace(rank=r.rank + 1), r"row 0 does not number"),
    "negative ranks": (lambda r: r._replace(rank=r.rank - 1), r"row 0 does not number"),
    "equal ranks": (lambda r: r._replace(rank=r.rank * 0), r"row \d does not number"),
    "too short": (lambda r: r._replace(phy2log=r.phy2log[:, :-1]), r"phy2log has shape \[5, 35\]"),
    "ranks too short": (lambda r: r._replace(rank=r.rank[:, :-1]), r"rank has shape \[5, 35\]"),
    "too wide": (lambda r: r._replace(phy2log=np.hstack([r.phy2log] * 2)), r"shape \[5, 72\]: it must be \[5, 36\]"),
    "counts too short": (lambda r: r._replace(logcnt=r.logcnt[:, :-1]), r"logcnt has shape \[5, 23\]"),
    "fractional": (lambda r: r._replace(phy2log=r.phy2log + 0.25), "phy2log holds float64 values"),
    "fractional counts": (lambda r: r._replace(logcnt=r.logcnt * 1.0), "logcnt holds float64 values"),
    "no ranks": (lambda r: r._replace(rank=None), "rank holds object values"),
    "a bare tuple": (tuple, "it returned a tuple: it must return a Replication"),
    "nothing": (lambda r: None, "it returned a NoneType"),
}
FORECASTERS = {
    "not a number": (with_nan, r"the forecast of layer 0 is nan for expert 1"),
    "infinite": (lambda f: changed(f, (2, 3), np.inf), r"layer 2 is inf for expert 3"),
    "negative": (lambda f: changed(f, (4, 0), -1.0), r"layer 4 is -1.0 for expert 0"),
    "beyond float64 in all": (lambda f: np.full_like(f, 1e307), "adds up to more than a float64 holds"),
    "too short": (lambda f: f[:, :-1], r"shape \[5, 23\]: it must be \[5, 24\]"),
    "a layer missing": (lambda f: f[1:], r"shape \[4, 24\]"),
    "a history": (lambda f: f[None], r"shape \[1, 5, 24\]"),
    "words": (lambda f: f.astype(str), "values: it must hold numbers"),
    "complex": (lambda f: f * 1j, "holds complex128 values"),
    "nothing": (lambda f: None, "holds object values"),
}


def dishonest(cases):
    return pytest.mark.parametrize(("cheat", "says"), list(cases.values()), ids=list(cases))


def implementations(function):
    return pytest.mark.parametrize("implementation", IMPLEMENTATIONS)(function)


def place(config, implementation, topology=GLOBAL):
    return load_variant({**DEEPSEEK, **config, "implementation": implementation}).place(LOAD, topology)


@implementations
@dishonest(PACKERS)
def test_packers_of_gpus(cheat, says, implementation):
    register("packer", "cheat", "")(lambda *given: cheat(greedy(*given)))
    with pytest.raises(EplbError, match=f"the packer 'cheat' does not keep its contract: .*{says}"):
        place({"gpu_packer": "cheat"}, implementation)


@implementations
@pytest.mark.parametrize("cheat", [cheat for cheat, _ in PACKERS.values()], ids=list(PACKERS))
def test_packers_of_groups(cheat, implementation):
    """Beside the fused pipeline, which would take its answer for the experts of a node."""
    register("packer", "cheat", "")(lambda *given: cheat(greedy(*given)))
    with pytest.raises(EplbError, match="the packer 'cheat' does not keep its contract"):
        place({"group_packer": "cheat"}, implementation, HIERARCHICAL)


@implementations
@dishonest(REPLICATORS)
def test_replicators(cheat, says, implementation):
    register("replicator", "cheat", "")(lambda *given: cheat(dhondt(*given)))
    with pytest.raises(EplbError, match=f"the replicator 'cheat' does not keep its contract: .*{says}"):
        place({"replicator": "cheat"}, implementation)


@implementations
@dishonest(REPLICATORS)
def test_fixups(cheat, says, implementation):
    register("fixup", "cheat", "")(lambda load, replication: cheat(replication))
    with pytest.raises(EplbError, match=f"the fixup 'cheat' does not keep its contract: .*{says}"):
        place({"fixup": "cheat"}, implementation)


@implementations
@dishonest(FORECASTERS)
def test_forecasters(cheat, says, implementation):
    register("forecaster", "cheat", "")(lambda history: cheat(last(history)))
    with pytest.raises(EplbError, match=f"the forecaster 'cheat' does not keep its contract: .*{says}"):
        place({"forecaster": "cheat"}, implementation)


@dishonest(REPLICATORS)
def test_placers(cheat, says):
    """A whole placement, the kernels of the metrics being what would read it."""
    deepseek = load_variant("deepseek").placer
    register("placer", "cheat", "")(lambda *given: cheat(deepseek(*given)))
    with pytest.raises(
        EplbError, match=f"the placer 'cheat' does not keep its contract: .*{says.replace('row', 'layer')}"
    ):
        load_variant({"placer": "cheat"}).place(LOAD, GLOBAL)


def scribble(*given):
    """Write nonsense into every array that was handed over."""
    for array in given:
        if isinstance(array, np.ndarray):
            array[:] = -1 if array.dtype == np.int64 else np.nan
        elif isinstance(array, Replication):
            scribble(*array)


@implementations
@pytest.mark.parametrize("topology", [GLOBAL, HIERARCHICAL], ids=["global", "hierarchical"])
@pytest.mark.parametrize("step", [*DEEPSEEK, "forecaster"])
def test_a_stage_that_writes_into_its_input_changes_nothing_of_ours(step, topology, implementation):
    kind = {**dict.fromkeys(DEEPSEEK, "packer"), "replicator": "replicator", "fixup": "fixup"}.get(step, "forecaster")
    honest = registry.build(kind, {**DEEPSEEK, "forecaster": "last"}[step])

    def cheat(*given):
        made = honest(*given)
        made = type(made)(*(array.copy() for array in made)) if isinstance(made, tuple) else made.copy()
        scribble(*given)
        return made

    register(kind, "cheat", "")(cheat)
    given = LOAD.copy()
    placed = load_variant({**DEEPSEEK, step: "cheat", "implementation": implementation}).place(given, topology)
    expected = load_variant("deepseek").place(LOAD, topology)
    np.testing.assert_array_equal(given, LOAD)
    np.testing.assert_array_equal(placed.phy2log, expected.phy2log)


@implementations
def test_narrow_integers_and_single_precision_are_taken(implementation):
    """What is right passes, in whatever width it comes."""
    narrow = {
        "gpu_packer": lambda *given: Packing(*(array.astype(np.uint8) for array in greedy(*given))),
        "replicator": lambda *given: Replication(*(array.astype(np.int32) for array in dhondt(*given))),
        "fixup": lambda load, replication: Replication(*(np.asfortranarray(array) for array in replication)),
        "forecaster": lambda history: np.round(history[-1]).astype(np.float32),
    }
    for step, kind in {"gpu_packer": "packer", **{k: k for k in ("replicator", "fixup", "forecaster")}}.items():
        register(kind, "narrow", "")(narrow[step])
    for case in cases():
        if case.load.max() < 2**24:
            config = {**DEEPSEEK, **dict.fromkeys(narrow, "narrow"), "implementation": implementation}
            placed = load_variant(config).place(case.load.round(), case.topology)
            expected = load_variant("deepseek").place(case.load.round(), case.topology)
            np.testing.assert_array_equal(placed.phy2log, expected.phy2log)


def test_a_kernel_of_somebody_elses_is_checked_as_its_stage_is():
    @register("packer", "cheat", "")
    @dataclass(frozen=True)
    class Cheat:
        def __call__(self, weights, labels, num_packs):
            return greedy(weights, labels, num_packs)

    compiles(Cheat)(lambda stage, *given: greedy(*given)._replace(pack_index=np.full(given[0].shape, 99)))
    with pytest.raises(EplbError, match="the packer 'cheat' does not keep its contract: .* pack 99"):
        place({"gpu_packer": "cheat"}, "kernel")
    place({"gpu_packer": "cheat"}, "reference")


def test_stages_of_this_package_are_not_checked_twice():
    """Their tests hold their contracts; an engine's code is none of ours."""
    for stage in stages():
        made = registry.build(stage.kind, stage.name)
        assert is_proven(made) == (not stage.requires), stage.name
        assert (guarded(stage.kind, made) is made) == (not stage.requires), stage.name
    assert is_proven(load_variant("deepseek").placer)


def test_bearing_our_names_is_no_proof():
    @functools.wraps(dhondt)
    def disguised(*given):
        return dhondt(*given)

    class Greedier(Greedy):
        pass

    Greedier.__module__ = Greedy.__module__
    for stranger in (disguised, Greedier(), functools.partial(dhondt), print, Staged.__call__):
        assert not is_proven(stranger)


def test_every_kind_of_stage_is_checked():
    assert set(CHECKS) == set(KINDS)


def test_one_that_was_never_registered_is_named_all_the_same():
    class Mine:
        def __call__(self, history):
            return None

    mine: Forecaster = Mine()
    with pytest.raises(EplbError, match="the forecaster 'Mine' does not"):
        Variant("x", "", mine, find("placer", "contiguous").factory).place(LOAD, GLOBAL)
