from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest

from eplb_variants import EplbError, load_variant, registry
from eplb_variants.registry import build, find, register, stages


@pytest.fixture
def own_names(monkeypatch):
    """Registrations of a test end with it."""
    stages()
    monkeypatch.setattr(registry, "_stages", dict(registry._stages))


def test_a_stage_lives_in_the_file_of_its_name():
    for stage in stages():
        assert stage.module.rpartition(".")[2] == stage.name
        assert stage.summary


def test_names_and_parameters_are_checked_with_the_nearest_match():
    with pytest.raises(EplbError, match=r"no packer 'gredy': did you mean 'greedy'\? known are diverse, exact, greedy"):
        build("packer", "gredy")
    with pytest.raises(EplbError, match="did you mean 'refine_steps'"):
        build("packer", {"name": "greedy", "refine_step": 1})
    with pytest.raises(EplbError, match="needs a name"):
        build("packer", {})
    with pytest.raises(EplbError, match="no kind of stage 'paker'"):
        find("paker", "greedy")


@pytest.mark.parametrize("value", ["2", 2.5, True, None])
def test_a_parameter_of_the_wrong_type_is_refused(value):
    with pytest.raises(EplbError, match=r"greedy.refine_steps is .* of type int"):
        build("packer", {"name": "greedy", "refine_steps": value})


def test_whole_numbers_pass_for_floats():
    assert build("packer", {"name": "diverse", "tie_eps": 1}).tie_eps == 1.0


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("packer", {"name": "greedy", "refine_steps": -1}),
        ("packer", {"name": "diverse", "tie_eps": -0.1}),
        ("packer", {"name": "diverse", "label_penalty": float("nan")}),
        ("fixup", {"name": "k_move", "moves": -1}),
        ("replicator", {"name": "hybrid", "tail": 1.5}),
        ("placer", {"name": "random", "seed": -1}),
        ("forecaster", {"name": "mean", "windows": 0}),
        ("forecaster", {"name": "exponential", "alpha": 0.0}),
        ("forecaster", {"name": "exponential", "windows": 0}),
    ],
)
def test_a_parameter_out_of_range_is_refused(kind, config):
    with pytest.raises(EplbError, match="must be|it is a share"):
        build(kind, config)


@pytest.mark.usefixtures("own_names")
def test_a_strategy_of_ones_own_is_one_decorator():
    @register("fixup", "mine", "a test's own")
    def mine(load, replication):
        return replication

    variant = load_variant({"group_packer": "greedy", "replicator": "none", "fixup": "mine", "gpu_packer": "greedy"})
    assert variant.placer.fixup is mine
    assert "mine" in [stage.name for stage in stages("fixup")]


@pytest.mark.usefixtures("own_names")
def test_what_cannot_be_registered_is_said():
    with pytest.raises(EplbError, match="no kind of stage 'pack'"):
        register("pack", "x", "")
    with pytest.raises(EplbError, match="no frozen dataclass"):
        register("packer", "x", "")(type("X", (), {}))
    with pytest.raises(EplbError, match="without a default"):

        @register("packer", "x", "")
        @dataclass(frozen=True)
        class X:
            steps: int

    with pytest.raises(EplbError, match="of type typing.Literal"):

        @register("packer", "x", "")
        @dataclass(frozen=True)
        class Y:
            mode: Literal["a", "b"] = "a"

    with pytest.raises(EplbError, match="already registered by eplb_variants.packing.greedy"):
        register("packer", "greedy", "")(lambda *_: None)


@pytest.mark.usefixtures("own_names")
def test_entry_points_are_loaded_and_a_broken_one_is_left_out(monkeypatch):
    class Entry:
        def __init__(self, value, load):
            self.value, self.load = value, load

    def good():
        register("fixup", "theirs", "a stranger's")(lambda load, replication: replication)

    def broken():
        raise ImportError("no such module")

    monkeypatch.setattr(registry, "entry_points", lambda group: [Entry("good", good), Entry("bad:stages", broken)])
    registry._discover.cache_clear()
    with pytest.warns(RuntimeWarning, match="'bad:stages' were left out: ImportError: no such module"):
        assert "theirs" in [stage.name for stage in stages("fixup")]
