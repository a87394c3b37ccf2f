"""The headline plot: what each variant gains over the reference on the same windows, with the interval of that.

Two variants on the same window differ by far less than two windows do: bars of each one's own mean overlap where the
paired difference is beyond doubt, so that they are not drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evaluator.analysis.columns import BALANCE_FLOOR
from evaluator.analysis.summary import by_workload, summarise
from evaluator.shown.style import (
    ARROW,
    CAPTION_SIZE,
    MAX_PANELS,
    NAME_SIZE,
    TEXT_COLOURS,
    caption,
    colour_of,
    fitted,
    height_of_rows,
    marked,
    order_of,
    panels_of,
    signed_axis,
    size_of_names,
    span_of,
    titles_of,
)
from evaluator.shown.words import ends_of, number, tone

SIDE = 1.3
"""Inches beside a panel for a difference and its verdict in words."""
PANEL, ALONE = 2.4, 4.2
"""Inches of a panel itself, and of one that has no others beside it."""


def paired_plot(good: pd.DataFrame, reference: str, overall: pd.DataFrame | None = None) -> Figure:
    """Return a dot per variant with the 95% interval of its difference to the reference, a panel per workload.

    Args:
        good: rows by window of cells that went well.
        reference: what differences are to; measured on some workload at least.
        overall: the summary of all these rows, where it was made already.

    Where there are several workloads, the first panel is of all of them. What lies too far from the rest for the axis,
    such as a floor, stands at its edge; the number beside it says how far.
    """
    parts = [(title, part) for title, part in by_workload(good) if reference in set(part["variant"])]
    shown = parts[:MAX_PANELS]
    titles, shared = titles_of([title for title, _ in shown])
    panels = list(zip(titles, [summarise(part, reference) for _, part in shown], strict=True))
    if len(parts) > 1:
        together = summarise(good, reference) if overall is None else overall
        panels.insert(0, (f"all {len(parts)} workloads and topologies", together))
    order = [name for name in order_of(good) if name != reference][::-1]
    labels = [marked(name, reference) for name in order]
    rows, columns = panels_of(len(panels))
    wide = size_of_names(labels)[0]
    panel = PANEL if len(panels) > 1 else ALONE
    size = ((panel + SIDE) * columns + wide, rows * (height_of_rows(labels, 0.26) + 0.6) + 0.7)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    beyond = False
    for axis, (title, summary) in zip(axes, panels, strict=False):
        beyond |= _draw(axis, {str(row["variant"]): row for _, row in summary.iterrows()}, order, reference)
        axis.set_title(fitted(title, panel + SIDE - 0.4), size=CAPTION_SIZE)
        axis.tick_params(axis="y", labelsize=NAME_SIZE)
    axes[0].set_yticks(range(len(order)), labels)
    axes[0].set_ylim(-0.6, len(order) - 0.4)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    caption(
        figure,
        f"balancedness of GPUs less that of {reference} on the same windows; right is better",
        f"bars: 95% interval; grey: less than {BALANCE_FLOOR:g} counts as none",
        ARROW if beyond else "",
        shared,
        f"the first {MAX_PANELS} of {len(parts)} workloads" if len(parts) > MAX_PANELS else "",
    )
    return figure


def _draw(axis: Axes, rows: dict[str, pd.Series], order: Sequence[str], reference: str) -> bool:
    """Draw a panel and return whether something lies beyond its axis."""
    known = {name: ends_of(rows[name]) for name in order if name in rows}
    least, most = span_of(known, reference)
    room = max(0.12 * (most - least), BALANCE_FLOOR)
    low, high = min(least - room, -1.6 * BALANCE_FLOOR), max(most + room, 1.6 * BALANCE_FLOOR)
    axis.axvspan(-BALANCE_FLOOR, BALANCE_FLOOR, color="0.9", lw=0)
    axis.axvline(0, color="0.5", lw=0.8)
    beyond = False
    for place, name in enumerate(order):
        if name not in known:
            continue
        value, ends, colour = float(rows[name]["difference"]), known[name], colour_of(name)
        if low <= value <= high:
            axis.plot(np.clip(ends, low, high), [place, place], color=colour, lw=2.5, alpha=0.5)
            axis.plot(value, place, "o", color=colour, ms=6)
        else:
            edge, mark = (low, "<") if value < low else (high, ">")
            axis.plot(edge, place, mark, color=colour, ms=7, clip_on=False)
            beyond = True
        words = f"{number(value, '+.4f')} {rows[name]['verdict']}"
        axis.annotate(
            words, (1.0, place), (6, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
            size=7, color=TEXT_COLOURS.get(tone(words) or "", "0.25"), annotation_clip=False,
        )  # fmt: skip
    axis.set_xlim(low, high)
    signed_axis(axis.xaxis, low, high, 4)
    axis.tick_params(axis="x", labelsize=7)
    axis.grid(axis="x", alpha=0.3)
    return beyond
