from __future__ import annotations

from importlib.metadata import version

import numpy as np
import pytest
import torch

import eplb_variants
from eplb_variants import EplbError, Topology, Variant, load_variant, variant_names
from eplb_variants.hard_loads import GLOBAL, HIERARCHICAL, hard_loads
from eplb_variants.hierarchy import Staged
from eplb_variants.placement import groups_stay_together

LOAD = hard_loads()["mild"]


def test_the_shipped_variants_are_the_files():
    for name in variant_names():
        assert load_variant(name).name == name
        assert load_variant(name).summary
    assert {"deepseek", "seed_parent", "seed", "contiguous", "random", "round_robin"} <= set(variant_names())


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("sead", "no variant 'sead': did you mean 'seed'"),
        ({"replicator": "dhondt"}, "lacks group_packer, fixup, gpu_packer"),
        ({"placer": "contiguous", "policy": "auto"}, "no key of a variant called 'policy'"),
        ({"placer": {"name": "random", "sed": 1}}, "did you mean 'seed'"),
        ({"placer": "random", "name": 5}, "name is 5: it must be of type str"),
        ({"placer": "random", "summary": None}, "summary is None: it must be of type str"),
    ],
)
def test_a_composition_that_is_none_is_refused(config, says):
    with pytest.raises(EplbError, match=says):
        load_variant(config)


@pytest.mark.parametrize("value", [2.7, 2.0, "2", "abc", True, None])
def test_threads_are_a_whole_number_and_nothing_is_cut_to_one(value):
    with pytest.raises(EplbError, match="threads is .* of type int"):
        load_variant({**load_variant("deepseek").config, "threads": value})


@pytest.mark.parametrize("key", ["policy", "implementation"])
def test_settings_that_are_words_are_words(key):
    with pytest.raises(EplbError, match=f"{key} is 1: it must be of type str"):
        load_variant({**load_variant("deepseek").config, key: 1})


def test_the_package_knows_its_version():
    assert eplb_variants.__version__ == version("eplb-lab")


def test_numpy_torch_and_lists_are_the_same_load():
    variant = load_variant("seed")
    placements = [
        variant.place(load, HIERARCHICAL).phy2log
        for load in (LOAD, LOAD.astype(np.int32), LOAD.tolist(), torch.tensor(LOAD), torch.tensor(LOAD[None]))
    ]
    for placement in placements:
        np.testing.assert_array_equal(placement, placements[0])


def test_torch_loads_without_a_numpy_dtype_are_taken():
    load = torch.tensor(LOAD).to(torch.bfloat16)
    expected = load_variant("deepseek").place(load.double(), GLOBAL).phy2log
    np.testing.assert_array_equal(load_variant("deepseek").place(load, GLOBAL).phy2log, expected)


@pytest.mark.parametrize(
    ("load", "says"),
    [
        (np.where(LOAD[3, 1] == LOAD, np.nan, LOAD), "NaN or an infinity in layer 3"),
        (np.where(LOAD[2, 1] == LOAD, -1, LOAD), "negative entry in layer 2"),
        (np.full_like(LOAD, 1e307), "adds up to more than a float64 holds"),
        (LOAD[0], r"shape \[24\]"),
        (LOAD[:0], r"at least one window, layer and expert"),
        (LOAD.astype(str), "must hold numbers"),
        ([[1, 2], [3]], "not an array"),
    ],
)
def test_a_load_that_is_none_is_refused_in_a_sentence(load, says):
    with pytest.raises(EplbError, match=says):
        load_variant("deepseek").place(load, GLOBAL)


def test_the_forecaster_sees_the_history():
    """`last` looks at the newest window alone, `mean` at all of them."""
    config = {"group_packer": "greedy", "replicator": "dhondt", "fixup": "none", "gpu_packer": "greedy"}
    history = np.stack([LOAD, LOAD[:, ::-1]])
    last = load_variant(config).place(history, GLOBAL).phy2log
    np.testing.assert_array_equal(last, load_variant(config).place(history[1], GLOBAL).phy2log)
    mean = load_variant({**config, "forecaster": {"name": "mean", "windows": 2}})
    assert mean.windows == 2
    np.testing.assert_array_equal(
        mean.place(history, GLOBAL).phy2log, load_variant(config).place(history.mean(axis=0), GLOBAL).phy2log
    )


class TestPolicy:
    steps = load_variant("deepseek").config

    def place(self, policy, topology):
        return load_variant({**self.steps, "policy": policy}).place(LOAD, topology)

    def test_auto_is_hierarchical_where_groups_divide_over_nodes(self):
        auto = self.place("auto", HIERARCHICAL)
        np.testing.assert_array_equal(auto.phy2log, self.place("hierarchical", HIERARCHICAL).phy2log)
        assert groups_stay_together(auto, 4)

    def test_auto_is_global_where_they_do_not(self):
        odd = Topology(36, 3, 2, 6)
        np.testing.assert_array_equal(self.place("auto", odd).phy2log, self.place("global", odd).phy2log)
        with pytest.raises(EplbError, match="3 groups do not divide over 2 nodes"):
            self.place("hierarchical", odd)

    def test_global_does_not_see_groups(self):
        np.testing.assert_array_equal(
            self.place("global", HIERARCHICAL).phy2log, self.place("auto", HIERARCHICAL.flat()).phy2log
        )

    def test_an_unknown_policy_is_refused(self):
        with pytest.raises(EplbError, match="no policy 'golbal': did you mean 'global'"):
            self.place("golbal", GLOBAL)

    def test_experts_that_do_not_divide_into_groups_are_refused(self):
        with pytest.raises(EplbError, match="23 logical experts do not divide into 4 groups"):
            load_variant("deepseek").place(LOAD[:, :23], HIERARCHICAL)

    def test_they_are_refused_where_groups_do_not_divide_over_nodes_either(self):
        """A typing error in num_groups is no reason to give up the policy in silence."""
        odd = Topology(36, 7, 2, 6)
        for policy in ("auto", "hierarchical"):
            with pytest.raises(EplbError, match="24 logical experts do not divide into 7 groups"):
                self.place(policy, odd)
        np.testing.assert_array_equal(self.place("global", odd).phy2log, self.place("global", HIERARCHICAL).phy2log)

    def test_falling_back_to_the_global_policy_is_said(self):
        odd = Topology(36, 3, 2, 6)
        assert "3 groups do not divide over 2 nodes" in load_variant("deepseek").remark(odd)
        assert load_variant("deepseek").remark(HIERARCHICAL) == ""
        assert load_variant({**self.steps, "policy": "global"}).remark(odd) == ""
        assert load_variant("contiguous").remark(odd) == ""

    def test_the_placer_is_staged(self):
        assert isinstance(load_variant("deepseek").placer, Staged)


def test_a_strangers_placer_is_not_asked_for_remarks():
    """They are said in the process that watches the others, where no stranger's code runs."""

    class Placer:
        def remark(self, topology):
            raise SystemExit

    assert Variant("v", "", load_variant("deepseek").forecaster, Placer()).remark(Topology(8, 2, 4, 4)) == ""
