"""What the tests of tables and of plots share."""

from __future__ import annotations

import io
import itertools

import pandas as pd
import pytest
from matplotlib.text import Text
from rich.console import Console

from evaluator.shown.plots import DPI
from evaluator.sweep import run as sweep
from evaluator.sweep.plan import make_plan


@pytest.fixture
def printed():
    """Return a function that gives what a terminal of some width shows."""

    def of(grid, width, *, colours=False, encoding="utf-8"):
        file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        system = "standard" if colours else None
        console = Console(width=width, file=file, soft_wrap=True, highlight=False, color_system=system)
        console.print(grid)
        file.seek(0)
        return file.read()

    return of


@pytest.fixture(scope="session")
def frame(tmp_path_factory):
    """A small run of three variants on two workloads, timed."""
    folder = tmp_path_factory.mktemp("runs")
    small = ["workload.num_layers=3", "workload.windows=6", "timing.rounds=3", "timing.min_rounds=3"]
    overrides = [*small, f"runs_dir={folder}", "variant=seed,contiguous", "workload=dsr1_decode,uniform"]
    return pd.read_parquet(sweep.run(make_plan(overrides, multirun=True)).folder)


def ticks_of(axis):
    """Return the labels of the ticks that an axis shows; those outside of its ends are there, but never drawn."""
    return [tick.label1 for tick in axis._update_ticks() if tick.label1.get_visible() and tick.label1.get_text()]


def texts_of(figure):
    """Return the texts that are drawn."""
    shown = [axes for axes in figure.axes if axes.get_visible()]
    ticks = [label for axes in shown for axis in (axes.xaxis, axes.yaxis) for label in ticks_of(axis)]
    unseen = {id(label) for axes in figure.axes for label in [*axes.get_xticklabels(), *axes.get_yticklabels()]}
    others = [text for text in figure.findobj(Text) if text.get_text().strip() and id(text) not in unseen]
    hidden = {id(text) for axes in figure.axes if not axes.get_visible() for text in axes.findobj(Text)}
    minor = {id(tick.label1) for axes in shown for axis in (axes.xaxis, axes.yaxis) for tick in axis.get_minor_ticks()}
    major = {id(tick.label1) for axes in shown for axis in (axes.xaxis, axes.yaxis) for tick in axis.get_major_ticks()}
    return [*ticks, *(text for text in others if id(text) not in hidden | minor | major and text.get_visible())]


def room_of(text, figure):
    """Return how many dots a text is within the figure; less than nought where it is cut off."""
    box = text.get_window_extent()
    return min(box.x0 - figure.bbox.x0, figure.bbox.x1 - box.x1, box.y0 - figure.bbox.y0, figure.bbox.y1 - box.y1)


@pytest.fixture
def check():
    """Return a function that fails where a text of a figure is cut off, or two ticks of an axis cover each other."""

    def of(figure):
        figure.set_dpi(DPI)
        figure.draw_without_rendering()
        for text in texts_of(figure):
            assert room_of(text, figure) > -1, text.get_text()
        for axis in [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]:
            boxes = [label.get_window_extent() for label in ticks_of(axis)]
            for one, other in itertools.pairwise(boxes):
                assert not one.overlaps(other), [label.get_text() for label in ticks_of(axis)]

    return of
