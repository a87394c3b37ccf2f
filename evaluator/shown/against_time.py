"""The plot of balancedness against placement time, with the names of variants at their points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from evaluator.analysis.columns import BALANCE_FLOOR
from evaluator.analysis.summary import summarise
from evaluator.shown.labels import Box, Point, label_spots, log_ticks
from evaluator.shown.style import (
    ARROW,
    HALO,
    LETTER,
    LINE,
    NAME_SIZE,
    caption,
    colour_of,
    fitted,
    mark_of,
    marked,
    signed_axis,
    size_of_names,
    span_of,
)
from evaluator.shown.words import number


class Named(NamedTuple):
    """A point with a name to be written at it."""

    label: str
    colour: str
    x: float
    y: float
    mark: Line2D


def time_plot(good: pd.DataFrame, reference: str, summary: pd.DataFrame | None = None) -> Figure:
    """Return the difference in balancedness against the ratio of placement times, a point per variant, over all loads.

    Both are paired and to a reference, with their 95% intervals. Filled points are on the front of balancedness, time
    and moved slots; what lies too far from the rest stands at the edge of the axis, with its difference.
    """
    timed = good[good["time_ratio"].notna()]
    if summary is None or len(timed) < len(good):
        summary = summarise(timed, reference)
    summary = summary[summary["time_ratio"].notna()]
    figure = Figure(figsize=(7.6, 4.6), layout="constrained")
    axis = figure.subplots()
    ends = {str(row["variant"]): (row["difference_low"], row["difference_high"]) for _, row in summary.iterrows()}
    least, most = span_of(ends, reference)
    room = max(0.15 * (max(most, 0) - min(least, 0)), 2 * BALANCE_FLOOR)
    low, high = min(least, 0) - room, max(most, 0) + room
    named = [_draw_point(axis, row, reference, (low, high)) for _, row in summary.iterrows()]
    axis.axhspan(-BALANCE_FLOOR, BALANCE_FLOOR, color="0.95", lw=0, zorder=0)
    axis.set_ylim(low, high)
    signed_axis(axis.yaxis, low, high)
    axis.set_xscale("log")
    axis.margins(x=0.18)
    _ticks_of_ratios(axis)
    axis.grid(alpha=0.3)
    beside = summary["time_reference"].dropna().unique()
    axis.set_xlabel(f"placement time / that of {beside[0] if len(beside) == 1 else 'its reference'} (log scale)")
    axis.set_ylabel(fitted(f"balancedness less that of {reference}", 4.0))
    caption(
        figure,
        "up and to the left is better",
        "filled: on the front of balancedness, time and moved slots",
        "bars: 95% intervals, paired",
        f"grey: less than {BALANCE_FLOOR:g} counts as none",
        ARROW if any(not low <= value <= high for value in summary["difference"]) else "",
    )
    label_points(axis, named)
    return figure


def _draw_point(axis: Axes, row: pd.Series, reference: str, ends: tuple[float, float]) -> Named:
    """Draw a variant's point and return it with its name."""
    name = str(row["variant"])
    colour, value, ratio = colour_of(name, reference), float(row["difference"]), float(row["time_ratio"])
    low, high = ends
    label, at, mark = marked(name, reference), value, mark_of(name)
    if not low <= value <= high:
        at, mark = (low, "v") if value < low else (high, "^")
        label = f"{label} {number(value, '+.4f')}"
    else:
        axis.plot([ratio, ratio], np.clip([row["difference_low"], row["difference_high"]], low, high), color=colour,
                  lw=1.5, alpha=0.5)  # fmt: skip
    axis.plot([row["time_ratio_low"], row["time_ratio_high"]], [at, at], color=colour, lw=1.5, alpha=0.5, clip_on=False)
    (drawn,) = axis.plot(
        ratio, at, mark, color=colour, mfc=colour if row["front"] else "white", ms=7, label=name, clip_on=False
    )
    return Named(label, colour, ratio, at, drawn)


def _ticks_of_ratios(axis: Axes) -> None:
    low, high = axis.get_xlim()
    axis.xaxis.set_major_locator(FixedLocator(log_ticks(low, high)))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:.3g}x")


def label_points(axis: Axes, named: Sequence[Named]) -> None:
    """Write labels at points, apart from each other; those that there is no room for stand in a legend.

    Args:
        axis: with its limits and scales set, in a figure of its own.
        named: the points, the most important first.
    """
    figure = axis.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # so that places on the page are known
    dot = figure.dpi / 72
    frame = axis.get_window_extent()
    points = []
    for point in named:
        across, up = axis.transData.transform((point.x, point.y))
        lines = point.label.split("\n")
        width, height = LETTER * max(map(len, lines)) * figure.dpi, LINE * len(lines) * figure.dpi
        points.append(Point(across, up, 5 * dot, width, height))
    room = Box(frame.x0, frame.y0, frame.x1, frame.y1)
    spots = label_spots(points, range(len(points)), room, 3 * dot, beside_first=False)
    rest = []
    for point, spot, placed in zip(named, spots, points, strict=True):
        if spot is None:
            rest.append(point)
            continue
        offset = ((spot.x - placed.x) / dot, (spot.y - placed.y) / dot)
        side = {"start": "left", "middle": "center", "end": "right"}[spot.anchor]
        axis.annotate(point.label, (point.x, point.y), offset, textcoords="offset points", ha=side, va="center",
                      size=NAME_SIZE, color=point.colour, path_effects=HALO)  # fmt: skip
    if rest:
        wide, high = size_of_names(point.label for point in rest)
        figure.set_size_inches(figure.get_figwidth() + wide, max(figure.get_figheight(), high))
        figure.legend([point.mark for point in rest], [point.label for point in rest], loc="outside right center",
                      frameon=False, fontsize=NAME_SIZE)  # fmt: skip
