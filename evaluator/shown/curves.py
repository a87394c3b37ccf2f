"""Plots of curves: performance profiles, and the difference to the reference window by window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from eplb_variants.loads import FloatArray
from evaluator.analysis.aggregate import NUM_THRESHOLDS, comparable, profile
from evaluator.analysis.alignment import STRATUM, align
from evaluator.analysis.columns import BALANCE_FLOOR
from evaluator.analysis.summary import by_workload, headline_of
from evaluator.analysis.views import by_window
from evaluator.shown.labels import spread
from evaluator.shown.style import (
    CAPTION_SIZE,
    HALO,
    LINE,
    MAX_PANELS,
    NAME_SIZE,
    beside_names,
    caption,
    colour_of,
    fitted,
    is_floor,
    marked,
    order_of,
    panels_of,
    signed_axis,
    size_of_names,
    span_of,
    titles_of,
)
from evaluator.shown.words import number

MOST_BANDS = 4
"""Variants of which the spread over traces is shown; the bands of more run into each other."""
MOST_PROFILES = 10
"""Variants whose profiles have a band, and their name at the curve."""
CURVES = ("-", "--", "-.", ":")
"""Lines of variants that follow each other in a plot: they may lie on each other."""


class _Curve(NamedTuple):
    """A profile: its variant, how it is drawn, and the share of windows above each threshold."""

    name: str
    line: str
    share: FloatArray


def profile_plot(good: pd.DataFrame, reference: str) -> Figure:
    """Return the share of windows with more than a balancedness, a curve per comparable variant with its 95% band.

    The axis begins where the curves of the variants that are compared do; floors come in from its left, or do not.
    """
    shared, left_out = comparable(good, reference)
    aligned, thresholds_K = align(shared, headline_of(shared)), _thresholds(shared)
    order = order_of(shared)
    few = len(order) <= MOST_PROFILES
    labels = [marked(name, reference) for name in order]
    figure = Figure(figsize=(7.2, 4.4) if few else beside_names(6.2, 4.2, labels), layout="constrained")
    axis = figure.subplots()
    curves = []
    for count, name in enumerate(order):
        found = profile(aligned.split(aligned.of(name)), thresholds_K)
        curves.append(_Curve(name, CURVES[count % len(CURVES)], found.share))
        colour = colour_of(name, reference)
        axis.plot(thresholds_K, found.share, curves[-1].line, color=colour, lw=1.6, label=labels[count])
        if few:
            axis.fill_between(thresholds_K, found.low, found.high, color=colour, alpha=0.13, lw=0)
    axis.set_xlim(thresholds_K[0], thresholds_K[-1])
    axis.set_ylim(0, 1.02)
    axis.grid(alpha=0.3)
    axis.set_xlabel("balancedness of GPUs")
    axis.set_ylabel("share of windows with more")
    below = [curve.name for curve in curves if curve.share[0] < 0.01]
    strata = len(shared[STRATUM].drop_duplicates())
    caption(
        figure,
        f"performance profile, {f'mean over {strata} workloads and topologies' if strata > 1 else 'of one workload'}",
        "bands: 95%, point by point" if few else "",
        f"left of the axis: {', '.join(below)}" if below else "",
        f"without {len(left_out)} not measured everywhere" if left_out else "",
    )
    if few:
        _name_curves(axis, [curve for curve in curves if curve.name not in below], thresholds_K, reference)
    else:
        axis.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, fontsize=NAME_SIZE)
    return figure


def _thresholds(good: pd.DataFrame) -> FloatArray:
    """Return thresholds from just below to just above the values of what is compared."""
    core = good[~good["variant"].map(is_floor)]
    values = (good if core.empty else core)[headline_of(good)].dropna()
    room = max(0.04 * (values.max() - values.min()), BALANCE_FLOOR)
    return np.linspace(max(0.0, values.min() - room), min(1.0, values.max() + room), NUM_THRESHOLDS)


def _name_curves(axis: Axes, curves: Sequence[_Curve], thresholds_K: FloatArray, reference: str) -> None:
    """Write each name where its curve passes a height of its own."""
    middle = sum(axis.get_xlim()) / 2
    for count, curve in enumerate(curves):
        height = min(0.94 - 0.88 * (count + 0.5) / len(curves), 0.97 * float(curve.share[0]))
        x = float(thresholds_K[np.flatnonzero(curve.share <= height)[0]])
        right = x > middle
        axis.annotate(
            marked(curve.name, reference), (x, height), (-5 if right else 5, 0), textcoords="offset points",
            ha="right" if right else "left", va="center", size=NAME_SIZE, color=colour_of(curve.name, reference),
            path_effects=HALO,
        )  # fmt: skip


def is_compared(part: pd.DataFrame, reference: str) -> bool:
    """Return whether the rows of a workload have the reference and another variant."""
    return reference in set(part["variant"]) and part["variant"].nunique() > 1


def difference_plot(good: pd.DataFrame, reference: str) -> Figure:
    """Return the paired difference to the reference on each window, a panel per workload and a line per variant.

    The axis is made for what is compared; a panel names what lies beyond it, such as floors, with its mean.
    """
    panels = [(title, part) for title, part in by_workload(good) if is_compared(part, reference)][:MAX_PANELS]
    titles, shared = titles_of([title for title, _ in panels])
    views = [by_window(part, reference) for _, part in panels]
    order = [name for name in order_of(good) if name != reference]
    low, high = _limits(pd.concat(views), reference)
    inside = [name for name in order if any(_is_inside(view, name, low, high) for view in views)]
    rows, columns = panels_of(len(panels))
    at_ends = len(panels) == 1 and len(inside) <= MOST_PROFILES
    side, tall = size_of_names(inside)
    figure = Figure(figsize=(max(4.0 * columns, 5.0) + side, max(2.6 * rows + 0.9, tall)), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    axes[0].set_ylim(low, high)
    drawn: dict[str, Line2D] = {}
    for axis, view, title in zip(axes, views, titles, strict=False):
        kept = [name for name in inside if _is_inside(view, name, low, high)]
        lines = _draw_differences(axis, view, kept)
        drawn |= lines
        axis.set_title(fitted(title, 3.4 if len(panels) > 1 else 4.6), size=CAPTION_SIZE)
        _name_the_rest(axis, view, [name for name in order if name not in kept])
        if at_ends:
            _name_ends(axis, lines, figure.get_figheight())
    signed_axis(axes[0].yaxis, low, high)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    if not at_ends and drawn:
        known = [drawn[name] for name in inside if name in drawn]
        names = [marked(str(line.get_label()), reference) for line in known]
        figure.legend(known, names, loc="outside right center", frameon=False, fontsize=NAME_SIZE)
    banded = max(view["traces"].max() for view in views) > 1 and len(inside) <= MOST_BANDS
    caption(
        figure, "window", "bands: least and most of the traces" if banded else "",
        f"grey: less than {BALANCE_FLOOR:g} counts as none", shared,
    )  # fmt: skip
    figure.supylabel(fitted(f"balancedness less that of {reference}", figure.get_figheight()), size=CAPTION_SIZE)
    return figure


def _limits(view: pd.DataFrame, reference: str) -> tuple[float, float]:
    by_name = view.groupby("variant").agg(least=("least", "min"), most=("most", "max"))
    ends = {str(name): (float(row["least"]), float(row["most"])) for name, row in by_name.iterrows()}
    least, most = span_of(ends, reference)
    room = max(0.08 * (most - least), BALANCE_FLOOR)
    return least - room, most + room


def _is_inside(view: pd.DataFrame, name: str, low: float, high: float) -> bool:
    """Return whether a variant's mean is within the axis."""
    own = view.loc[view["variant"] == name, "difference"]
    return bool(len(own)) and low <= own.mean() <= high


def _draw_differences(axis: Axes, view: pd.DataFrame, names: Sequence[str]) -> dict[str, Line2D]:
    """Draw one panel and return its lines by variant."""
    lines = {}
    axis.axhspan(-BALANCE_FLOOR, BALANCE_FLOOR, color="0.93", lw=0)
    axis.axhline(0, color="0.4", lw=0.8)
    for count, name in enumerate(names):
        own = view[view["variant"] == name].sort_values("window")
        kind = CURVES[count % len(CURVES)] + ("o" if len(own) == 1 else "")
        (lines[name],) = axis.plot(own["window"], own["difference"], kind, color=colour_of(name), lw=1.3, ms=4)
        lines[name].set_label(name)
        if own["traces"].max() > 1 and len(names) <= MOST_BANDS:
            axis.fill_between(own["window"], own["least"], own["most"], color=colour_of(name), alpha=0.12, lw=0)
    axis.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axis.grid(alpha=0.3)
    return lines


def _name_the_rest(axis: Axes, view: pd.DataFrame, names: Sequence[str]) -> None:
    """Write at the lower edge what lies beyond the axis, with its mean."""
    means = view.groupby("variant")["difference"].mean()
    said = [f"{name} {number(means[name], '+.2f')}" for name in names if name in means.index]
    if said:
        text = fitted(f"beyond: {', '.join(said[:4])}{f' and {len(said) - 4} more' if len(said) > 4 else ''}", 3.4)
        axis.text(0.02, 0.02, text, transform=axis.transAxes, size=7, color="0.35", va="bottom", path_effects=HALO)


def _name_ends(axis: Axes, lines: dict[str, Line2D], inches: float) -> None:
    """Write each name at the right end of its line, apart from each other."""
    low, high = axis.get_ylim()
    ends = [float(np.asarray(line.get_ydata(), dtype=float)[-1]) for line in lines.values()]
    last = max((float(np.asarray(line.get_xdata(), dtype=float)[-1]) for line in lines.values()), default=0.0)
    room = (high - low) * LINE / max(inches - 1.4, 1.0)
    for name, end, at in zip(lines, ends, spread(ends, room, low, high), strict=True):
        axis.annotate(
            marked(name, ""), (last, end), (1.03, at), xycoords="data", textcoords=("axes fraction", "data"),
            va="center", size=NAME_SIZE, color=colour_of(name), annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour_of(name), "lw": 0.5, "shrinkA": 0, "shrinkB": 2},
        )  # fmt: skip
