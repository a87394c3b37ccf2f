"""What varies is found by looking: no one says what the factors are."""

from __future__ import annotations

import pandas as pd
import pytest

from eplb_variants import EplbError
from evaluator.analysis.ablation.factors import find_design

VALUES = [0.8] * 6


def design(*cells, reference=None):
    return find_design(pd.DataFrame([row for rows in cells for row in rows]), reference)


def names(made):
    return {factor.name: factor.levels for factor in made.factors}


def test_factors_are_what_varies(factorial):
    made = find_design(factorial(lambda a, b: 0.0))
    assert names(made) == {"fixup.moves": (0, 1, 2), "packer.name": ("x", "y")}
    assert made.code.shape == (6, 2)
    assert not made.notes
    assert not made.strata


def test_a_parameter_that_comes_with_its_stage_is_no_factor(cell):
    made = design(
        cell("a", {"packer": {"name": "greedy", "steps": 0}}, VALUES),
        cell("b", {"packer": {"name": "diverse", "steps": 0, "tie_eps": 1e-6}}, VALUES),
    )
    assert names(made) == {"packer.name": ("diverse", "greedy")}


def test_what_always_changes_together_cannot_be_told_apart(cell):
    made = design(
        cell("a", {"packer": {"steps": 0}, "policy": "auto"}, VALUES),
        cell("b", {"packer": {"steps": 2}, "policy": "global"}, VALUES),
    )
    assert names(made) == {"packer.steps & policy": ("0 & auto", "2 & global")}
    assert "cannot be told apart" in made.notes[0]


def test_named_variants_are_levels_as_wholes(cell):
    """Three compositions that differ in two things are no factorial of them."""
    made = design(
        cell("deepseek", {"packer": {"name": "greedy"}, "fixup": {"name": "none"}}, VALUES),
        cell("parent", {"packer": {"name": "greedy"}, "fixup": {"name": "k_move", "moves": 1}}, VALUES),
        cell("seed", {"packer": {"name": "diverse"}, "fixup": {"name": "k_move", "moves": 2}}, VALUES),
        reference="parent",
    )
    assert names(made) == {"variant": ("parent", "deepseek", "seed")}
    assert "are no crossing of" in made.notes[0]


def test_machines_are_factors_for_the_load_is_the_same(cell):
    cells = [
        cell(name, {"packer": {"steps": steps}}, VALUES, num_slots=slots, topology=f"s{slots}")
        for name, steps in (("a", 0), ("b", 2))
        for slots in (64, 96, 128)
    ]
    assert names(design(*cells)) == {"packer.steps": (0, 2), "num_slots": (64, 96, 128)}
    of_b = names(design(*reversed(cells), reference="b"))
    assert of_b == {"packer.steps": (2, 0), "num_slots": (64, 96, 128)}, "a variant was measured on every machine"


def test_what_changes_the_load_is_a_stratum(cell):
    cells = [
        cell(name, {"packer": {"steps": steps}}, VALUES, interval=interval)
        for name, steps in (("a", 0), ("b", 2))
        for interval in (1, 4)
    ]
    made = design(*cells)
    assert names(made) == {"packer.steps": (0, 2)}
    assert made.strata == {"workload.interval": (1, 4)}


def test_the_same_composition_under_two_names_is_one_setting(cell):
    cells = [cell("a", {"steps": 0}, VALUES), cell("the_same", {"steps": 0}, VALUES), cell("b", {"steps": 1}, VALUES)]
    made = design(*cells)
    assert made.setting.tolist() == [0] * 12 + [1] * 6


def test_numbers_come_before_names_and_what_is_absent(cell):
    levels = [3, 0.5, "auto", True]
    cells = [cell(f"v{i}", {"depth": level}, VALUES) for i, level in enumerate(levels)]
    cells.append(cell("without", {}, VALUES))
    ((_, found),) = names(design(*cells)).items()
    assert found == (0.5, True, 3, "auto", None)


@pytest.mark.parametrize("name", ["v[a=1,b.c='$x$']", "[red]v[/red]", "vä {x}", "a/b:c\\d"])
def test_names_with_odd_characters_are_levels_like_any_other(cell, name):
    made = design(cell(name, {"packer": {"name": name}}, VALUES), cell("a", {"packer": {"name": "a"}}, VALUES))
    assert set(names(made)["packer.name"]) == {name, "a"}


def test_nothing_to_ablate_is_a_sentence(cell):
    with pytest.raises(EplbError, match="nothing is ablated here: all cells are of 'a' on one topology; sweep"):
        design(cell("a", {"steps": 0}, VALUES))
    with pytest.raises(EplbError, match=r"workload\.interval changes the load"):
        design(cell("a", {"steps": 0}, VALUES), cell("a", {"steps": 0}, VALUES, interval=2))
    with pytest.raises(EplbError, match="all compositions are the same"):
        design(cell("a", {"steps": 0}, VALUES), cell("b", {"steps": 0}, VALUES))
    with pytest.raises(EplbError, match="no measured variant 'c'"):
        design(cell("a", {"steps": 0}, VALUES), reference="c")
