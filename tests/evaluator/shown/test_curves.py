from __future__ import annotations

import pytest

from evaluator.shown import curves


def test_profiles_fall_to_nought_and_have_their_names_at_them(frame):
    (axis,) = curves.profile_plot(frame, "deepseek").axes
    assert [line.get_label() for line in axis.lines] == ["seed", "deepseek (reference)", "contiguous"]
    for line in axis.lines:
        assert line.get_ydata()[-1] == 0
    for line in axis.lines[:2]:
        assert line.get_ydata()[0] == 1
    names = {text.get_text() for text in axis.texts}
    assert {"seed", "deepseek (reference)"} <= names
    assert axis.get_legend() is None


def test_the_profile_is_of_what_is_compared_and_a_floor_left_of_it_is_said(frame):
    figure = curves.profile_plot(frame[frame["workload"].str.startswith("dsr1")], "deepseek")
    part = frame[frame["workload"].str.startswith("dsr1") & (frame["variant"] != "contiguous")]
    low, high = figure.axes[0].get_xlim()
    values = part["balancedness_gpu_next"].dropna()
    assert low < values.min() < values.max() < high
    assert high - low < 2 * (values.max() - values.min()) + 0.01
    assert "left of the axis: contiguous" in figure._supxlabel.get_text().replace("\n", " ")


def test_differences_have_a_line_per_variant_that_is_compared(frame):
    """The reference has none; a floor far below is named with its mean."""
    figure = curves.difference_plot(frame, "deepseek")
    axis = figure.axes[0]
    part = frame[frame["workload"].str.startswith(axis.get_title())]
    wide = part.pivot(index="window", columns="variant", values="balancedness_gpu_next").dropna()
    (line,) = [line for line in axis.lines if line.get_label() == "seed"]
    assert line.get_ydata() == pytest.approx((wide["seed"] - wide["deepseek"]).to_numpy())
    assert not [line for line in axis.lines if line.get_label() in ("deepseek", "contiguous")]
    mean = (wide["contiguous"] - wide["deepseek"]).mean()
    assert f"beyond: contiguous {mean:+.2f}" in [text.get_text() for text in axis.texts]
    assert axis.get_yscale() == "linear"


def test_one_panel_has_names_at_the_ends_of_its_lines(frame):
    figure = curves.difference_plot(frame[frame["workload"].str.startswith("dsr1")], "deepseek")
    assert "seed" in [text.get_text() for text in figure.axes[0].texts]
    assert figure.legends == []
