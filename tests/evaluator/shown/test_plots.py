from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.image import imread

from evaluator.analysis.pareto import on_front
from evaluator.shown import curves, plots, style
from evaluator.sweep import run as sweep
from evaluator.sweep.plan import make_plan


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    """A small run of three variants on two workloads, timed."""
    folder = tmp_path_factory.mktemp("runs")
    small = ["workload.num_layers=3", "workload.windows=6", "timing.rounds=3", "timing.min_rounds=3"]
    overrides = [*small, f"runs_dir={folder}", "variant=seed,contiguous", "workload=dsr1_decode,uniform"]
    return pd.read_parquet(sweep.run(make_plan(overrides, multirun=True)).folder)


def test_every_plot_is_drawn_as_png_and_svg(frame, tmp_path):
    files = plots.draw_all(frame, "deepseek", tmp_path / "out")
    assert sorted({file.stem.partition("_on_")[0] for file in files}) == [
        "balancedness",
        "balancedness_against_time",
        "difference_by_window",
        "gpu_load_dsr1_decode_num_layers_3_windows_6",
        "gpu_load_uniform_num_layers_3_windows_6",
        "performance_profile",
    ]
    for file in files:
        if file.suffix == ".png":
            assert imread(file).std() > 0.01, f"{file.name} is blank"
        else:
            assert "<svg" in file.read_text()


def test_the_same_data_give_the_same_svg(frame, tmp_path):
    for name in ("a", "b"):
        plots.draw_all(frame, "deepseek", tmp_path / name)
    for file in (tmp_path / "a").glob("*.svg"):
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_balancedness_shows_every_variant_on_every_workload(frame):
    figure = plots.balancedness_plot(frame, "deepseek")
    shown = [axis for axis in figure.axes if axis.get_visible()]
    assert len(shown) == 2
    labels = [label.get_text() for label in shown[0].get_yticklabels()]
    assert sorted(labels) == ["contiguous", "deepseek (reference)", "seed"]
    values = {round(float(line.get_xdata()[0]), 6) for line in shown[0].lines if line.get_marker() == "o"}
    title = shown[0].get_title()
    part = frame[frame["workload"] == title.partition(" on ")[0]]
    assert values == {round(v, 6) for v in part.groupby("variant")["balancedness_gpu_next"].mean()}


def test_time_is_on_a_logarithmic_axis(frame):
    figure = plots.time_plot(frame, "deepseek")
    assert figure.axes[0].get_xscale() == "log"
    assert {t.get_text() for t in figure.axes[0].get_legend().get_texts()} == {
        "contiguous",
        "deepseek (reference)",
        "seed",
    }


def test_the_heat_map_shows_before_and_after(frame):
    part = frame[frame["workload"].str.startswith("dsr1")]
    figure = plots.heat_map_plot(part, "x")
    titles = [axis.get_title().splitlines()[0] for axis in figure.axes if axis.images]
    assert titles[0] == "before: experts in order"
    assert set(titles[1:]) == {"deepseek", "seed"}
    assert figure.axes[0].images[0].get_array().shape == (3, 32)


def test_without_times_there_is_no_time_plot(frame, tmp_path):
    untimed = frame.assign(place_seconds=float("nan"))
    files = plots.draw_all(untimed, "deepseek", tmp_path)
    assert not [file for file in files if "time" in file.name]


def test_points_on_the_front_are_filled(frame):
    figure = plots.time_plot(frame, "deepseek")
    summary = plots.summarise(frame, "deepseek")
    front = set(summary.loc[on_front(summary), "variant"])
    filled = {
        container.get_label().partition(" ")[0]
        for container in figure.axes[0].containers
        if container.lines[0].get_markerfacecolor() != "white"
    }
    assert filled == front


def test_profiles_fall_from_one(frame):
    (axis,) = curves.profile_plot(frame, "deepseek").axes
    assert [text.get_text() for text in axis.get_legend().get_texts()][-1] == "contiguous"
    assert len(axis.lines) == 3
    for line in axis.lines:
        assert line.get_ydata()[0] == 1
        assert line.get_ydata()[-1] == 0


def test_differences_have_a_line_per_variant_and_none_for_the_reference(frame):
    figure = curves.difference_plot(frame, "deepseek")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["seed", "contiguous"]
    axis = figure.axes[0]
    part = frame[frame["workload"] == axis.get_title().partition(" on ")[0]]
    wide = part.pivot(index="window", columns="variant", values="balancedness_gpu_next").dropna()
    line = axis.lines[1]
    assert line.get_ydata() == pytest.approx((wide["seed"] - wide["deepseek"]).to_numpy())
    assert axis.get_yscale() == "symlog"


def test_a_reference_that_was_not_measured_draws_what_needs_none(frame, tmp_path):
    names = {file.stem for file in plots.draw_all(frame, "other", tmp_path)}
    assert "balancedness" in names
    assert "performance_profile" not in names


def test_names_are_broken_after_commas_and_brackets_alone():
    name = "seed_parent[replicator.name=dhondt,fixup.moves=0,gpu_packer.name=diverse]"
    assert style.broken(name, 40).splitlines() == [
        "seed_parent[replicator.name=dhondt,",
        "fixup.moves=0,gpu_packer.name=diverse]",
    ]
    assert style.broken("a_name_that_has_no_comma_at_all", 8) == "a_name_that_has_no_comma_at_all"


def test_long_names_of_many_variants_have_room_beside_the_plot(rows, tmp_path):
    """The axes keep most of their width, and no name is cut."""
    names = [f"seed_parent[replicator.name=dhondt,fixup.moves={i},gpu_packer.name=diverse]" for i in range(24)]
    frame = pd.DataFrame([row for name in names for row in rows(name, [0.8, 0.9, 0.85, 0.7], place_seconds=1e-3)])
    for draw in (plots.balancedness_plot, plots.time_plot, curves.profile_plot):
        figure = draw(frame, names[0])
        plots.save(figure, tmp_path, "plot")
        axis = figure.axes[0]
        assert axis.get_position().width * figure.get_figwidth() > 3
        texts = axis.get_legend().get_texts() if axis.get_legend() else axis.get_yticklabels()
        for text in texts:
            box = text.get_window_extent()
            assert box.x0 >= 0
            assert box.x1 <= figure.bbox.x1
            assert box.y0 >= 0
            assert box.y1 <= figure.bbox.y1
