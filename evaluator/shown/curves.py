"""Plots of curves: performance profiles, and the difference to the reference window by window."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from eplb_variants.loads import FloatArray
from evaluator.analysis.aggregate import comparable, profile, thresholds_of
from evaluator.analysis.alignment import STRATUM, align
from evaluator.analysis.summary import by_workload, headline_of
from evaluator.analysis.views import by_window
from evaluator.shown.style import MAX_PANELS, NAME_SIZE, beside_names, colours_of, marked, order_of

LINEAR = 0.01
"""Balancedness: up to here the axis of differences is linear, beyond it logarithmic, so that a floor far below the rest
does not press the rest into one line. Ten times the least difference that is called one."""
MOST_BANDS = 4
"""Variants of which the spread over traces is shown; the bands of more run into each other."""
MOST_PROFILES = 10
"""Variants whose profiles have a band."""
CURVES = ("-", "--", "-.", ":")
"""Lines of variants whose colours are the same, and of those that lie on each other."""


def profile_plot(good: pd.DataFrame, reference: str) -> Figure:
    """Return the share of windows with more than a balancedness, a curve per comparable variant with its 95% band."""
    shared, left_out = comparable(good, reference)
    aligned, thresholds_K = align(shared, headline_of(shared)), thresholds_of(shared)
    order, colours = order_of(shared), colours_of(good)
    size = beside_names(6.2, 4.2, [marked(name, reference) for name in order])
    figure = Figure(figsize=size, layout="constrained")
    axis = figure.subplots()
    for number, name in enumerate(order):
        found = profile(aligned.split(aligned.of(name)), thresholds_K)
        line = CURVES[number % len(CURVES)]
        axis.plot(thresholds_K, found.share, line, color=colours[name], lw=1.6, label=marked(name, reference))
        if len(order) <= MOST_PROFILES:
            axis.fill_between(thresholds_K, found.low, found.high, color=colours[name], alpha=0.15, lw=0)
    axis.set_xlim(thresholds_K[0], thresholds_K[-1])
    axis.set_ylim(0, 1.02)
    axis.grid(alpha=0.3)
    axis.set_xlabel("balancedness of GPUs")
    axis.set_ylabel("share of windows with more")
    strata = len(shared[STRATUM].drop_duplicates())
    over = f"mean over {strata} workloads and topologies" if strata > 1 else "of one workload"
    absent = f"; without {len(left_out)} not measured everywhere" if left_out else ""
    bands = "; bands: 95%, point by point" if len(order) <= MOST_PROFILES else ""
    axis.set_title(f"performance profile, {over}{absent}{bands}", size=9)
    axis.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, fontsize=NAME_SIZE)
    return figure


def difference_plot(good: pd.DataFrame, reference: str) -> Figure:
    """Return the paired difference to the reference on each window, a panel per workload and a line per variant."""
    panels = [(title, part) for title, part in by_workload(good) if reference in set(part["variant"])][:MAX_PANELS]
    colours, order = colours_of(good), [name for name in order_of(good) if name != reference]
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    size = beside_names(4.2 * columns, 2.4 * rows + 0.9, order)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    drawn: dict[str, Line2D] = {}
    views = [by_window(part, reference) for _, part in panels]
    for axis, view, (title, _) in zip(axes, views, panels, strict=False):
        drawn |= _draw_differences(axis, view, order, colours)
        axis.set_title(title, size=9)
    _scale_differences(axes[0], pd.concat(views)[["least", "most"]].to_numpy())  # the axes share it
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    lines = [drawn[name] for name in order if name in drawn]
    figure.legend(
        lines, [str(line.get_label()) for line in lines], loc="outside right center", frameon=False, fontsize=NAME_SIZE
    )
    bands = "; bands: least and most of the traces" if len(order) <= MOST_BANDS else ", mean over traces"
    figure.supxlabel(f"window{bands}; the axis is linear to {LINEAR:g}, logarithmic beyond", size=9)
    figure.supylabel(f"balancedness less that of {reference}", size=9)
    return figure


def _draw_differences(
    axis: Axes, view: pd.DataFrame, order: list[str], colours: dict[str, tuple[float, float, float, float]]
) -> dict[str, Line2D]:
    """Draw one panel and return its lines by variant."""
    lines = {}
    axis.axhline(0, color="0.4", lw=0.8)
    for number, name in enumerate(order):
        own = view[view["variant"] == name].sort_values("window")
        if own.empty:
            continue
        kind = CURVES[number % len(CURVES)] + ("o" if len(own) == 1 else "")
        (lines[name],) = axis.plot(
            own["window"], own["difference"], kind, color=colours[name], lw=1.3, ms=4, label=name
        )
        if own["traces"].max() > 1 and len(order) <= MOST_BANDS:
            axis.fill_between(own["window"], own["least"], own["most"], color=colours[name], alpha=0.12, lw=0)
    axis.grid(alpha=0.3)
    return lines


def _scale_differences(axis: Axes, shown: FloatArray) -> None:
    least, most = min(shown.min(initial=0.0), -LINEAR / 2), max(shown.max(initial=0.0), LINEAR / 2)
    axis.set_yscale("symlog", linthresh=LINEAR)
    ticks = [0.0, *(sign * tick for tick in (LINEAR / 2, LINEAR, 0.03, 0.1, 0.3, 1.0) for sign in (-1, 1))]
    axis.set_yticks([tick for tick in sorted(ticks) if 1.1 * least <= tick <= 1.1 * most])
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:+g}" if value else "0")
    axis.minorticks_off()
    axis.set_ylim(1.3 * least, 1.3 * most)
