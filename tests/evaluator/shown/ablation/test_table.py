from __future__ import annotations

import pytest

from evaluator.shown.ablation.table import effects_grid


@pytest.fixture
def text(printed):
    """Return a function that gives the table of a run, as printed."""

    def of(run, every=False, width=200):
        return printed(effects_grid(*run, "runs/[a]: effects", every), width)

    return of


def test_the_table_says_what_it_is_about(run, text):
    said = text(run)
    assert "runs/[a]: effects" in said
    assert "fixup.moves 1 vs 0" in said
    assert "packer.name [red]x[/] vs $y_{1}$" in said
    assert "balancedness_gpu_next (more is better)" in said
    assert "time / reference (less is better)" in said
    assert "over 8 traces" in " ".join(said.split())
    assert "workload: u, v" in said
    assert "2 interactions" in said
    assert "fixup.moves 1 x packer.name" not in said
    assert "fixup.moves 1 x packer.name" in text(run, every=True)
    assert "-0.0000" not in said


def test_each_metric_is_a_heading_of_its_effects(run):
    rows = effects_grid(*run, "effects", every=True).rows
    headings = [row[0] for row in rows if len(row) == 1]
    assert headings == ["balancedness_gpu_next (more is better)", "time / reference (less is better)"]


def test_at_80_columns_no_line_is_longer(run, text):
    assert max(map(len, text(run, width=80).splitlines())) <= 80
