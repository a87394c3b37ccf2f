from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.image import imread

from evaluator.analysis.summary import by_workload
from evaluator.shown import curves, limits, plots


def test_every_plot_is_drawn_as_png_and_svg(frame, tmp_path):
    files = plots.draw_all(frame, "deepseek", tmp_path / "out")
    assert sorted({file.stem.partition("_on_")[0] for file in files}) == [
        "balancedness",
        "balancedness_against_time",
        "difference",
        "difference_by_window",
        "gpu_load_dsr1_decode_num_layers_3_windows_6",
        "gpu_load_uniform_num_layers_3_windows_6",
        "limit",
        "performance_profile",
        "traffic",
    ]
    for file in files:
        if file.suffix == ".png":
            assert imread(file).std() > 0.01, f"{file.name} is blank"
        else:
            assert "<svg" in file.read_text()


@pytest.mark.long
def test_the_same_data_give_the_same_svg(frame, tmp_path):
    for name in ("a", "b"):
        plots.draw_all(frame, "deepseek", tmp_path / name)
    for file in (tmp_path / "a").glob("*.svg"):
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_balancedness_shows_every_variant_on_every_workload(frame):
    """What is beyond the axis stands at its edge, with its value."""
    figure = plots.balancedness_plot(frame, "deepseek")
    shown = [axis for axis in figure.axes if axis.get_visible()]
    assert len(shown) == 2
    labels = [label.get_text() for label in shown[0].get_yticklabels()]
    assert sorted(labels) == ["contiguous", "deepseek (reference)", "seed"]
    for axis, (_, part) in zip(shown, by_workload(frame), strict=True):
        means = part.groupby("variant")["balancedness_gpu_next"].mean()
        assert {text.get_text() for text in axis.texts} == {f"{mean:.4f}" for mean in means}
        marks = {line.get_marker(): float(line.get_xdata()[0]) for line in axis.lines}
        assert marks["<"] == axis.get_xlim()[0] > means["contiguous"]
        assert axis.get_xlim()[1] - axis.get_xlim()[0] < 0.1, "the floor does not press the rest into one line"


def test_the_heat_map_shows_before_and_after(frame):
    part = frame[frame["workload"].str.startswith("dsr1")]
    figure = plots.heat_map_plot(part, "x")
    titles = [axis.get_title().splitlines()[0] for axis in figure.axes if axis.images]
    assert titles[0] == "before: experts in order"
    assert set(titles[1:]) == {"deepseek", "seed"}
    assert figure.axes[0].images[0].get_array().shape == (3, 32)


def test_without_times_there_is_no_time_plot(frame, tmp_path):
    untimed = frame.assign(place_seconds=float("nan"), time_ratio=float("nan"))
    files = plots.draw_all(untimed, "deepseek", tmp_path)
    assert not [file for file in files if "time" in file.name]


def test_a_reference_that_was_not_measured_draws_what_needs_none(frame, tmp_path):
    names = {file.stem for file in plots.draw_all(frame, "other", tmp_path)}
    assert "balancedness" in names
    assert "performance_profile" not in names


def test_the_limit_has_a_field_for_every_variant_and_workload(frame):
    figure = limits.limit_plot(frame, "deepseek")
    (axis,) = figure.axes
    wanted = frame.groupby(["variant", "workload"])["optimality_next"].mean()
    assert {text.get_text() for text in axis.texts} == {f"{100 * value:.1f}" for value in wanted}
    assert sorted(label.get_text() for label in axis.get_yticklabels()) == [
        "contiguous",
        "deepseek (reference)",
        "seed",
    ]


def test_traffic_is_a_line_of_three_points_for_each_variant(frame):
    """Where tokens stay on their nodes whatever is done, there is no such plot."""
    assert not limits.has_traffic(frame[frame["variant"] != "contiguous"])
    crossing = frame.assign(
        remote_tokens_next=0.08, remote_tokens_dispatch_next=0.06, remote_tokens_near_next=0.02,
        remote_tokens_own=0.08, remote_tokens_dispatch_own=0.06, remote_tokens_near_own=0.02,
        balancedness_gpu_dispatch_next=0.97, balancedness_gpu_near_next=0.95,
    )  # fmt: skip
    assert limits.has_traffic(crossing)
    (axis,) = limits.traffic_plot(crossing, "deepseek").axes
    lines = [line for line in axis.lines if len(line.get_xdata()) == 3]
    assert len(lines) == 3
    for line in lines:
        assert list(line.get_xdata()) == pytest.approx([0.08, 0.02, 0.06])
        assert list(line.get_ydata())[1:] == pytest.approx([0.95, 0.97])


DRAWN = [
    plots.paired_plot, plots.balancedness_plot, plots.time_plot, curves.profile_plot, curves.difference_plot,
]  # fmt: skip


@pytest.mark.parametrize("draw", DRAWN, ids=lambda draw: draw.__name__)
@pytest.mark.parametrize("workloads", ["dsr1_decode|uniform", "dsr1_decode"])
def test_nothing_is_cut_off_and_no_ticks_collide(frame, draw, workloads, check):
    check(draw(frame[frame["workload"].str.contains(workloads)], "deepseek"))


def test_a_heat_map_is_not_cut_off_either(frame, check):
    check(plots.heat_map_plot(frame[frame["workload"].str.startswith("dsr1")], "a title " * 20))


@pytest.mark.parametrize("draw", DRAWN, ids=lambda draw: draw.__name__)
def test_long_names_of_many_variants_have_room(rows, draw, check):
    """The axes keep most of their width, and no name is cut."""
    names = [f"seed_parent[replicator.name=dhondt,fixup.moves={i},gpu_packer.name=diverse]" for i in range(24)]
    timed = {"place_seconds": 1e-3, "time_reference": names[0], "time_ratio_low": 0.9, "time_ratio_high": 1.3}
    values = [0.8, 0.9, 0.85, 0.7, 0.75, 0.8]
    frame = pd.DataFrame(
        [
            row
            for i, name in enumerate(names)
            for row in rows(name, [value + 1e-3 * i for value in values], time_ratio=1.0 + 0.01 * i, **timed)
        ]
    )
    figure = draw(frame, names[0])
    check(figure)
    assert figure.axes[0].get_position().width * figure.get_figwidth() > 2.4
