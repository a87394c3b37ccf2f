from __future__ import annotations

from evaluator.analysis.summary import summarise
from evaluator.shown.against_time import time_plot


def test_time_is_a_ratio_on_a_logarithmic_axis_and_names_stand_at_their_points(frame):
    figure = time_plot(frame, "deepseek")
    (axis,) = figure.axes
    assert axis.get_xscale() == "log"
    assert axis.get_legend() is None
    said = sorted(text.get_text().partition(" ")[0] for text in axis.texts)
    assert said == ["contiguous", "deepseek", "seed"]
    assert all(label.get_text().endswith("x") for label in axis.get_xticklabels())
    assert any(text.get_text().startswith("contiguous -0.") for text in axis.texts), "a floor tells its difference"


def test_points_on_the_front_are_filled(frame):
    figure = time_plot(frame, "deepseek")
    summary = summarise(frame, "deepseek")
    front = set(summary.loc[summary["front"], "variant"])
    points = [line for line in figure.axes[0].lines if line.get_marker() != "None"]
    assert {line.get_label() for line in points if line.get_markerfacecolor() != "white"} == front
    assert {line.get_label() for line in points} == {"contiguous", "deepseek", "seed"}
