"""The table and the figure say what was found, whatever the names."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from matplotlib.image import imread
from rich.console import Console

from evaluator.analysis.ablation.effects import measure_effects
from evaluator.analysis.ablation.factors import find_design
from evaluator.analysis.ablation.study import Extent, extent_of
from evaluator.shown.ablation.plot import MAX_ROWS, draw_effects, effects_plot
from evaluator.shown.ablation.table import effects_table
from evaluator.shown.ablation.words import record


@pytest.fixture
def run(factorial):
    """Return effects, design and extent of a run with names that rich and matplotlib would take for markup."""
    frame = factorial(lambda a, b: 0.01 * a, b=("[red]x[/]", r"$y_{1}$"), noise=1e-4, workloads=("u", "v"))
    frame["time_reference"] = "r"
    frame["time_ratio"] = 1.0 + 0.5 * frame["variant"].str.contains("y") + 0.001 * frame["seed"]
    design = find_design(frame)
    return measure_effects(frame, design), design, extent_of(frame)


def text(run, every=False, width=200):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(effects_table(*run, "runs/[a]: effects", every))
    return console.export_text()


def test_the_table_says_what_it_is_about(run):
    said = text(run)
    assert "runs/[a]: effects" in said
    assert "fixup.moves 1 vs 0" in said
    assert "packer.name [red]x[/] vs $y_{1}$" in said
    assert "balancedness_gpu_next (more is better)" in said
    assert "time / reference (less is better)" in said
    assert "over 8 traces and their windows" in " ".join(said.split())
    assert "workload: u, v" in said
    assert "2 interactions" in said
    assert "fixup.moves 1 x packer.name" not in said
    assert "fixup.moves 1 x packer.name" in text(run, every=True)
    assert "-0.0000" not in said


def test_records_are_json(run):
    records = json.loads(json.dumps([record(effect) for effect in run[0]], allow_nan=False))
    assert {r["kind"] for r in records} == {"main", "interaction"}
    assert records[0]["factor"] == "fixup.moves"
    assert records[0]["effect"] == pytest.approx(0.01, abs=1e-3)


def test_the_figure_has_a_panel_for_each_metric_and_a_row_for_each_effect(run, tmp_path):
    figure = effects_plot(run[0], run[2])
    shown = [axis for axis in figure.axes if axis.get_title()]
    assert len(shown) == len({effect.metric for effect in run[0]}) == 2
    labels = [label.get_text() for label in shown[0].get_yticklabels()]
    assert len(labels) == 5
    assert any(r"\$y_{1}\$" in label for label in labels)
    files = draw_effects(run[0], run[2], tmp_path / "out")
    assert [file.name for file in files] == ["ablation.png", "ablation.svg"]
    assert imread(files[0]).std() > 0.01, "it is blank"


def test_more_interactions_than_can_be_read_are_the_largest(factorial):
    frame = factorial(lambda a, b: 0.1 * (a == 7 and b == "b9"), a=range(9), b=[f"b{i}" for i in range(10)], seeds=2)
    effects = measure_effects(frame, find_design(frame), ["balancedness_gpu_next"])
    figure = effects_plot(effects, extent_of(frame))
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(effects) > len(labels) == MAX_ROWS
    assert "fixup.moves 7 x packer.name b9" in labels
    assert np.all([f"fixup.moves {a} vs 0" in labels for a in range(1, 9)])


def test_a_p_value_of_one_trace_is_said_to_be_too_small_where_windows_stay_alike():
    assert "too small where windows stay alike" in Extent(traces=2, strata=2).unit
    assert Extent(traces=4, strata=2).unit == "means of traces"
