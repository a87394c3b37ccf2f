from __future__ import annotations

import numpy as np
from matplotlib.image import imread

from evaluator.analysis.ablation.effects import measure_effects
from evaluator.analysis.ablation.factors import find_design
from evaluator.shown.ablation.plot import MAX_ROWS, draw_effects, effects_plot
from evaluator.shown.ablation.words import extent_of


def test_the_figure_has_a_panel_for_each_metric_and_a_row_for_each_effect(run, tmp_path, check):
    figure = effects_plot(run[0], run[2])
    shown = [axis for axis in figure.axes if axis.get_title()]
    assert len(shown) == len({effect.metric for effect in run[0]}) == 2
    labels = [label.get_text() for label in shown[0].get_yticklabels()]
    assert len(labels) == 5
    assert any("$y_{1}$" in label for label in labels)
    check(figure)
    files = draw_effects(run[0], run[2], tmp_path / "out")
    assert [file.name for file in files] == ["ablation.png", "ablation.svg"]
    assert imread(files[0]).std() > 0.01, "it is blank"


def test_more_interactions_than_can_be_read_are_the_largest(factorial, check):
    frame = factorial(lambda a, b: 0.1 * (a == 7 and b == "b9"), a=range(9), b=[f"b{i}" for i in range(10)], seeds=2)
    effects = measure_effects(frame, find_design(frame), ["balancedness_gpu_next"])
    figure = effects_plot(effects, extent_of(frame))
    check(figure)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(effects) > len(labels) == MAX_ROWS
    assert "fixup.moves 7 x packer.name b9" in labels
    assert np.all([f"fixup.moves {a} vs 0" in labels for a in range(1, 9)])
