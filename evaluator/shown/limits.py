"""Plots of what no placement can pass: how near variants come to it, and what balance costs in tokens between nodes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from evaluator.analysis.dispatched import EVEN, FLOW, NEAR, under
from evaluator.analysis.summary import by_workload, headline_of
from evaluator.shown.against_time import Named, label_points
from evaluator.shown.style import (
    CAPTION_SIZE,
    NAME_SIZE,
    caption,
    colour_of,
    fitted,
    height_of_rows,
    mark_of,
    marked,
    order_of,
    size_of_names,
    titles_of,
)

MOST_COLUMNS = 24
"""Workloads in the plot of the limit, the first by name."""
PALE, DARK = 0.8, 1.0
"""Parts of the limit at the ends of the colours; what is below looks like the lower end."""
LINEAR, TICKS = 0.01, (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Parts of the tokens up to which the axis of traffic is linear, and at which it has ticks."""


def limit_plot(good: pd.DataFrame, reference: str) -> Figure:
    """Return how near each variant comes to the limit on each workload: a field for each, with its value.

    The value is the mean over windows of balancedness over what no placement can pass on the same window.
    """
    name = f"optimality_{headline_of(good).rpartition('_')[2]}"
    panels = by_workload(good)[:MOST_COLUMNS]
    order = order_of(good)
    values = np.array(
        [[part.loc[part["variant"] == variant, name].mean() for _, part in panels] for variant in order], dtype=float
    )
    labels = [marked(variant, reference) for variant in order]
    titles, shared = titles_of([title for title, _ in panels])
    wide, high = size_of_names(labels)[0], height_of_rows(labels, 0.28)
    figure = Figure(figsize=(wide + 0.62 * len(panels) + 0.8, high + 2.1), layout="constrained")
    axis = figure.subplots()
    axis.imshow(values, aspect="auto", cmap="Blues", vmin=PALE, vmax=DARK)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            dark = value > (PALE + DARK) / 2
            axis.text(column, row, f"{100 * value:.1f}", ha="center", va="center", size=7,
                      color="white" if dark else "black")  # fmt: skip
    axis.set_yticks(range(len(order)), labels, size=NAME_SIZE)
    axis.set_xticks(range(len(panels)), [fitted(title, 2.2) for title in titles], rotation=40, ha="right",
                    size=NAME_SIZE)  # fmt: skip
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    judged = "next" if name.endswith("next") else "same"
    caption(
        figure,
        f"balancedness of GPUs on the {judged} window, % of what no placement can pass",
        "who plans cannot know the next window: the limit does",
        shared,
    )
    return figure


def traffic_plot(good: pd.DataFrame, reference: str) -> Figure:
    """Return balancedness against the tokens that leave the node of their expert's group, over all workloads.

    Each variant is a line through its points under even shares, under ``near`` and under ``flow``.
    """
    figure = Figure(figsize=(7.6, 4.8), layout="constrained")
    axis = figure.subplots()
    on = headline_of(good).rpartition("_")[2]
    named = []
    for variant in order_of(good):
        own = good[good["variant"] == variant]
        points = [_point(under(own, dispatch), on) for dispatch in (EVEN, NEAR, FLOW)]
        named.append(_draw_line(axis, variant, reference, points))
    axis.set_xscale("symlog", linthresh=LINEAR)
    axis.set_xlim(left=-LINEAR / 10)
    axis.xaxis.set_major_locator(FixedLocator(TICKS))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}%"))
    axis.margins(y=0.12)
    axis.grid(alpha=0.3)
    axis.set_xlabel("tokens that leave the node of their expert's group", size=CAPTION_SIZE)
    axis.set_ylabel(f"balancedness of GPUs, {on}", size=CAPTION_SIZE)
    caption(
        figure,
        "up and to the left is better",
        "hollow: tokens shared evenly; filled: split as well as can be",
        "small: so, but on their node as far as .95 can be had there",
    )
    label_points(axis, named)
    return figure


def has_traffic(good: pd.DataFrame) -> bool:
    """Return whether tokens leave their nodes in these results, and how is known for every dispatch."""
    wanted = {f"remote_tokens{how}_{on}" for on in ("own", "next") for how in ("", "_dispatch", "_near")}
    return wanted <= set(good) and bool((good["remote_tokens_dispatch_own"] > 0).any())


def _point(rows: pd.DataFrame, on: str) -> tuple[float, float]:
    """Return remote tokens and balancedness, the mean over windows of each workload, then over workloads."""
    means = rows.groupby(["workload", "topology"])[[f"remote_tokens_{on}", f"balancedness_gpu_{on}"]].mean().dropna()
    remote, balance = means.mean()
    return float(remote), float(balance)


def _draw_line(axis: Axes, variant: str, reference: str, points: list[tuple[float, float]]) -> Named:
    colour, mark = colour_of(variant, reference), mark_of(variant)
    (even, near, flow) = points
    axis.plot(*zip(even, near, flow, strict=True), "-", color=colour, lw=1, alpha=0.6)
    axis.plot(*even, mark, color=colour, mfc="white", ms=6)
    axis.plot(*near, mark, color=colour, ms=4)
    (drawn,) = axis.plot(*flow, mark, color=colour, ms=7, label=variant)
    return Named(marked(variant, reference), colour, *flow, drawn)
