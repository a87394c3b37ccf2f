"""Comparison plots, drawn with matplotlib from the rows of one or more runs, as PNG and SVG.

Shapes: L layers, G GPUs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from eplb_variants import EplbError
from evaluator.analysis.columns import BALANCE_FLOOR
from evaluator.analysis.summary import by_workload, headline_of
from evaluator.results.schema import OK
from evaluator.shown.against_time import time_plot
from evaluator.shown.curves import difference_plot, is_compared, profile_plot
from evaluator.shown.limits import has_traffic, limit_plot, traffic_plot
from evaluator.shown.paired import paired_plot
from evaluator.shown.style import (
    ARROW,
    CAPTION_SIZE,
    MAX_PANELS,
    NAME_SIZE,
    STYLE,
    caption,
    colour_of,
    fitted,
    height_of_rows,
    marked,
    order_of,
    panels_of,
    size_of_names,
    span_of,
    titles_of,
)
from evaluator.shown.words import broken, number

FORMATS = ("png", "svg")
METADATA: dict[str, Any] = {"svg": {"Date": None}}
"""The same data give the same bytes: no date."""
DPI = 150
MAX_MAPS = 4
"""Workloads of which the load per GPU is drawn, the first by name: with many workloads, these pictures are most of the
work, and ``eplb compare --by layer`` shows every one."""
LINE_OF_TITLE = 44
"""Letters of the title of a heat map in one line."""
LONGEST_NAME = 80
"""Characters of a plot's name that are taken from a title; file systems allow 255."""


def draw_all(frame: pd.DataFrame, reference: str, folder: Path, summary: pd.DataFrame | None = None) -> list[Path]:
    """Draw every plot for which there is data into a folder and return the files.

    Args:
        frame: rows by window, as stored.
        reference: variant marked as such.
        folder: made where it is missing.
        summary: of all these rows to this reference, where it was made already.

    Raises:
        EplbError: the folder cannot be written to.
    """
    good = frame[frame["status"] == OK]
    with mpl.rc_context(STYLE):
        return [path for name, figure in _figures(good, reference, summary) for path in save(figure, folder, name)]


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure under a name into a folder, which is made where it is missing, and return the files.

    Raises:
        EplbError: the folder cannot be written to.
    """
    files = [folder / f"{name}.{kind}" for kind in FORMATS]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        figure.set_dpi(DPI)  # before it is laid out: letters are a little wider or narrower at another
        tight = None if _laid_out(figure) else "tight"
        for path in files:
            metadata = METADATA.get(path.suffix.removeprefix("."))
            figure.savefig(path, dpi=DPI, bbox_inches=tight, metadata=metadata)
    except OSError as error:
        raise EplbError(f"plots cannot be written to {str(folder)!r}: {error.strerror}") from None
    return files


def _laid_out(figure: Figure) -> bool:
    """Let a figure's layout engine, where it has one, do its work once for all files instead of twice for each."""
    if figure.get_layout_engine() is None:
        return False
    figure.draw_without_rendering()
    figure.set_layout_engine(None)  # and not "none", a placeholder for which matplotlib draws twice
    return True


def _figures(good: pd.DataFrame, reference: str, summary: pd.DataFrame | None = None) -> Iterator[tuple[str, Figure]]:
    measured = reference in set(good["variant"])
    others = good["variant"].nunique() > 1
    compared = any(is_compared(part, reference) for _, part in by_workload(good))
    if compared:
        yield "difference", paired_plot(good, reference, summary)
    yield "balancedness", balancedness_plot(good, reference)
    timed = set(good.loc[good["time_ratio"].notna(), "variant"])
    if reference in timed and len(timed) > 1:
        yield "balancedness_against_time", time_plot(good, reference, summary)
    if f"optimality_{headline_of(good).rpartition('_')[2]}" in good and others:
        yield "limit", limit_plot(good, reference)
    if has_traffic(good):
        yield "traffic", traffic_plot(good, reference)
    if measured:
        yield "performance_profile", profile_plot(good, reference)
        if compared:
            yield "difference_by_window", difference_plot(good, reference)
    for title, part in by_workload(good)[:MAX_MAPS]:
        if part["gpu_load"].notna().any():
            yield f"gpu_load_{file_name(title)}", heat_map_plot(part, title)


def file_name(title: str) -> str:
    """Return a title as a short file name; what is cut off is told apart by a hash."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", title).strip("_")
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[:LONGEST_NAME]}_{hashlib.sha256(title.encode()).hexdigest()[:8]}"


def balancedness_plot(good: pd.DataFrame, reference: str) -> Figure:
    """Return a dot per variant and workload: mean balancedness over windows, with its value.

    There are no bars: windows differ by far more than variants do on the same window, see ``paired_plot``. What lies
    too far below the rest, such as a floor, stands at the edge of the axis.
    """
    panels = by_workload(good)[:MAX_PANELS]
    order, headline = order_of(good)[::-1], headline_of(good)
    rows, columns = panels_of(len(panels))
    labels = [marked(name, reference) for name in order]
    wide = size_of_names(labels)[0]
    panel = 3.4 if len(panels) > 1 else 4.6
    figure = Figure(
        figsize=(panel * columns + wide, rows * (height_of_rows(labels, 0.3) + 0.6) + 0.6), layout="constrained"
    )
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    titles, shared = titles_of([title for title, _ in panels])
    beyond = False
    for axis, title, (_, part) in zip(axes, titles, panels, strict=False):
        beyond |= _draw_means(axis, part.groupby("variant")[headline].mean(), order, reference)
        axis.set_title(fitted(title, panel - 0.3), size=CAPTION_SIZE)
        axis.tick_params(axis="y", labelsize=NAME_SIZE)
    axes[0].set_yticks(range(len(order)), labels)
    axes[0].set_ylim(-0.6, len(order) - 0.3)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    judged = "the next window" if headline.endswith("next") else "the same window"
    caption(
        figure,
        f"balancedness of GPUs on {judged}, mean over windows (1 is perfect)",
        ARROW if beyond else "",
        "differences with their intervals: difference.png",
        shared,
    )
    return figure


def _draw_means(axis: Axes, means: pd.Series, order: Sequence[str], reference: str) -> bool:
    """Draw a panel and return whether something lies beyond its axis."""
    known = {str(name): float(mean) for name, mean in means.items()}
    base = known.get(reference, max(known.values()))
    least, most = span_of({name: (mean - base, mean - base) for name, mean in known.items()}, reference)
    room = max(0.25 * (max(most, 0) - min(least, 0)), 10 * BALANCE_FLOOR)
    low, high = base + min(least, 0) - room, min(base + max(most, 0) + room, max(1.0, *known.values()))
    for place, name in enumerate(order):
        if name not in known:
            continue
        value, colour = known[name], colour_of(name, reference)
        at, mark = (low, "<") if value < low else (high, ">") if value > high else (value, "o")
        axis.plot(at, place, mark, color=colour, ms=6, clip_on=False)
        axis.annotate(
            number(value), (at, place), (0, 6), textcoords="offset points", ha="left" if mark == "<" else "center",
            size=7, annotation_clip=False,
        )  # fmt: skip
    axis.set_xlim(low, high)
    axis.xaxis.set_major_locator(MaxNLocator(4, min_n_ticks=2))
    axis.ticklabel_format(axis="x", useOffset=False)
    axis.tick_params(axis="x", labelsize=8)
    axis.grid(axis="x", alpha=0.3)
    return any(not low <= value <= high for value in known.values())


def heat_map_plot(part: pd.DataFrame, title: str) -> Figure:
    """Return the load per GPU and layer on one window: as placed in order, and as each variant placed it."""
    pictured = part[part["gpu_load"].notna()].drop_duplicates("variant")
    order = [name for name in order_of(part) if name in set(pictured["variant"])]
    first = pictured.iloc[0]
    shape = (int(first["num_layers"]), int(first["num_gpus"]))
    maps = [("before: experts in order", np.reshape(first["gpu_load_contiguous"], shape))]
    for name in order:  # the floor itself would be the first map again
        values = pictured[pictured["variant"] == name].iloc[0]["gpu_load"]
        if not np.array_equal(np.reshape(values, shape), maps[0][1]):
            maps.append((name, np.reshape(values, shape)))
    columns, lines = min(4, len(maps)), max(broken(name, LINE_OF_TITLE).count("\n") for name, _ in maps)
    rows = -(-len(maps) // columns)
    figure = Figure(figsize=(3.1 * columns + 1, (2.5 + 0.13 * lines) * rows + 0.6), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    norm = TwoSlopeNorm(vcenter=1.0, vmin=0.0, vmax=max(1.5, float(np.quantile(maps[0][1], 0.99))))
    for axis, (name, load_LG) in zip(axes, maps, strict=False):
        used_LG = load_LG[load_LG.any(axis=1)]
        peak = used_LG.max(axis=1).mean() if used_LG.size else float("nan")
        axis.imshow(load_LG, aspect="auto", cmap="RdBu_r", norm=norm, interpolation="nearest")
        axis.set_title(f"{broken(name, LINE_OF_TITLE)}\nfullest GPU {peak:.2f} x mean", size=NAME_SIZE)
    for axis in axes[len(maps) :]:
        axis.set_visible(False)
    figure.supxlabel("GPU", size=9)
    figure.supylabel("layer", size=9)
    figure.colorbar(
        axes[0].images[0],
        ax=list(axes[: len(maps)]),
        label="load / mean of the layer",
        shrink=0.8,
        aspect=16 * rows,
        extend="max",
    )
    heading = f"load per GPU, {title}, window {int(first['window'])} judged on the one after it"
    figure.suptitle(fitted(heading, figure.get_figwidth() - 0.3), size=CAPTION_SIZE)
    return figure
