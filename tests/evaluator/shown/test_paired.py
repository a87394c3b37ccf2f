from __future__ import annotations

import pandas as pd
import pytest

from evaluator.analysis.summary import summarise
from evaluator.shown.paired import paired_plot
from evaluator.shown.style import colour_of


def test_a_dot_is_the_paired_difference_and_its_bar_the_interval(many):
    figure = paired_plot(many, "base")
    axis = figure.axes[0]
    summary = summarise(many, "base").set_index("variant")
    assert axis.get_title() == "all 5 workloads and topologies"
    assert [label.get_text() for label in axis.get_yticklabels()] == ["down", "up"]
    for name in ("up", "down"):
        (dot,) = [line for line in axis.lines if line.get_marker() == "o" and line.get_color() == colour_of(name)]
        assert dot.get_xdata()[0] == pytest.approx(summary.loc[name, "difference"])
        (bar,) = [line for line in axis.lines if len(line.get_xdata()) == 2 and line.get_color() == colour_of(name)]
        ends = summary.loc[name, ["difference_low", "difference_high"]].to_list()
        assert list(bar.get_xdata()) == pytest.approx(ends)
    said = {text.get_text() for text in axis.texts}
    assert said == {f"{summary.loc[name, 'difference']:+.4f} {summary.loc[name, 'verdict']}" for name in ("up", "down")}


def test_a_floor_stands_at_the_edge_with_its_value_and_the_rest_has_the_axis(many, rows):
    floor = [row for _, part in many.groupby(["workload", "seed"]) for row in
             rows("random", [0.2] * 12, part["workload"].iloc[0], part["seed"].iloc[0])]  # fmt: skip
    figure = paired_plot(pd.concat([many, pd.DataFrame(floor)]), "base")
    axis = figure.axes[0]
    low, high = axis.get_xlim()
    assert high - low < 0.06
    assert [float(line.get_xdata()[0]) for line in axis.lines if line.get_marker() == "<"] == [low]
    assert any(text.get_text().startswith("-0.") and "worse" in text.get_text() for text in axis.texts)


def test_each_workload_has_a_panel_and_what_their_titles_share_is_said_once(many):
    figure = paired_plot(many, "base")
    assert [axis.get_title() for axis in figure.axes if axis.get_visible()][1:] == ["w0", "w1", "w2", "w3", "w4"]
    assert "each workload on t" in figure._supxlabel.get_text().replace("\n", " ")


def test_one_window_has_a_dot_and_no_interval(rows):
    frame = pd.DataFrame(rows("base", [0.8]) + rows("v", [0.81]))
    (axis,) = paired_plot(frame, "base").axes
    assert [text.get_text() for text in axis.texts] == ["+0.0100 too few to say"]
