"""Comparison plots, drawn with matplotlib from the rows of one or more runs, as PNG and SVG.

Shapes: L layers, G GPUs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from eplb_variants import EplbError
from evaluator.analysis.alignment import align
from evaluator.analysis.pareto import on_front
from evaluator.analysis.summary import by_workload, headline_of, summarise
from evaluator.results.schema import OK
from evaluator.shown.curves import difference_plot, profile_plot
from evaluator.shown.style import (
    COLOURS,
    MAX_PANELS,
    NAME_SIZE,
    STYLE,
    beside_names,
    broken,
    colours_of,
    marked,
    marks_of,
    order_of,
    size_of_names,
)

__all__ = ["COLOURS", "MAX_PANELS", "STYLE", "balancedness_plot", "draw_all", "file_name", "heat_map_plot", "save"]

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
    yield "balancedness", balancedness_plot(good, reference)
    if good["place_seconds"].notna().any():
        yield "balancedness_against_time", time_plot(good, reference, summary)
    if reference in set(good["variant"]):
        yield "performance_profile", profile_plot(good, reference)
        if good["variant"].nunique() > 1:
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
    """Return a dot per variant and workload: mean balancedness with its 95% interval over windows."""
    panels = by_workload(good)[:MAX_PANELS]
    order, colours, headline = order_of(good), colours_of(good), headline_of(good)
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    labels = [marked(name, reference) for name in reversed(order)]
    size = (3.9 * columns + size_of_names(labels)[0], rows * (0.32 * len(order) + 1.3))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for axis, (title, part) in zip(axes, panels, strict=False):
        aligned = align(part, headline)
        for place, name in enumerate(reversed(order)):
            if name not in aligned.variants:
                continue
            estimate = aligned.mean_of(name)
            if np.isfinite(estimate.low):
                axis.plot([estimate.low, estimate.high], [place, place], color=colours[name], lw=2.5, alpha=0.5)
            axis.plot(estimate.value, place, "o", color=colours[name], ms=6)
            axis.annotate(
                f"{estimate.value:.4f}",
                (estimate.value, place),
                (0, 6),
                textcoords="offset points",
                ha="center",
                size=7,
            )
        axis.set_title(title, size=9)
        axis.set_yticks(range(len(order)), labels, size=NAME_SIZE)
        axis.set_ylim(-0.6, len(order) - 0.3)
        axis.margins(x=0.12)
        axis.grid(axis="x", alpha=0.3)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    judged = "the next window" if headline.endswith("next") else "the same window"
    figure.supxlabel(f"balancedness of GPUs on {judged} (1 is perfect); bars: 95% interval over windows", size=9)
    return figure


def time_plot(good: pd.DataFrame, reference: str, summary: pd.DataFrame | None = None) -> Figure:
    """Return balancedness against placement time, a point per variant, over all workloads.

    Filled points are on the front of balancedness, time and moved slots.
    """
    colours, headline = colours_of(good), headline_of(good)
    timed = good[good["place_seconds"].notna()]
    if summary is None or len(timed) < len(good):
        summary = summarise(timed, reference if reference in set(timed["variant"]) else str(timed["variant"].iloc[0]))
    aligned = align(timed, headline)
    marks = marks_of(good)
    size = beside_names(6.2, 4.2, [marked(str(name), reference) for name in summary["variant"]])
    figure = Figure(figsize=size, layout="constrained")
    axis = figure.subplots()
    for (_, row), front in zip(summary.iterrows(), on_front(summary), strict=True):
        name = str(row["variant"])
        estimate = aligned.mean_of(name)
        milliseconds = row["place_seconds"] * 1e3
        low, high = (np.nan_to_num(abs(end - estimate.value)) for end in (estimate.low, estimate.high))
        axis.errorbar(
            milliseconds,
            estimate.value,
            yerr=[[low], [high]],
            fmt=marks[name],
            color=colours[name],
            mfc=colours[name] if front else "white",
            ms=6,
            lw=1.5,
            label=marked(name, reference),
        )
    axis.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, fontsize=NAME_SIZE)
    axis.set_xscale("log")
    for set_formatter in (axis.xaxis.set_major_formatter, axis.xaxis.set_minor_formatter):
        set_formatter(LogFormatter(labelOnlyBase=False, minor_thresholds=(2, 0.4)))  # 2 and 5, not powers of ten
    axis.margins(0.15)
    axis.grid(alpha=0.3)
    axis.set_xlabel("placement time, ms (median of the rounds; log scale)")
    axis.set_ylabel("balancedness of GPUs")
    axis.set_title(
        "up and to the left is better; filled: on the front with moved slots; bars: 95% interval over windows", size=9
    )
    return figure


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
    figure.suptitle(f"load per GPU, {title}, window {int(first['window'])} judged on the one after it", size=10)
    return figure
