"""Effects as a figure: a panel for each metric, a row for each effect, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evaluator.analysis.ablation.effects import EFFECTS_ON, Effect
from evaluator.analysis.columns import LOG_TIME_RATIO
from evaluator.analysis.statistics import BETTER, SAME, UNSURE, WORSE
from evaluator.shown.ablation.words import Extent, label, title
from evaluator.shown.plots import save
from evaluator.shown.style import STYLE, caption, signed_axis

COLOURS = {BETTER: "tab:green", WORSE: "tab:red", SAME: "0.45", UNSURE: "tab:orange"}
MAX_ROWS = 40
"""Effects that can be read under each other; of more interactions, those furthest from nought are drawn."""
LONGEST = 60
"""Characters of a label."""


def draw_effects(effects: Sequence[Effect], extent: Extent, folder: Path) -> list[Path]:
    """Draw the figure into a folder and return the files.

    Raises:
        EplbError: the folder cannot be written to.
    """
    with mpl.rc_context(STYLE):
        return save(effects_plot(effects, extent), folder, "ablation")


def effects_plot(effects: Sequence[Effect], extent: Extent) -> Figure:
    """Return a dot per effect and metric with its 95% interval; the band is what counts as no difference."""
    metrics = list(dict.fromkeys(effect.metric for effect in effects))
    rows = _rows(effects)
    figure = Figure(figsize=(2.6 * len(metrics) + 3.4, 0.24 * len(rows) + 1.5), layout="constrained")
    axes = figure.subplots(1, len(metrics), squeeze=False, sharey=True)[0]
    for axis, metric in zip(axes, metrics, strict=True):
        _panel(axis, [effect for effect in effects if effect.metric == metric], rows)
    axes[0].set_yticks(range(len(rows)), [_shortened(row) for row in rows], size=7)
    axes[0].set_ylim(len(rows) - 0.4, -0.6)
    for verdict, colour in COLOURS.items():
        axes[0].plot([], [], "o", color=colour, label=verdict, ms=4)
    figure.legend(loc="outside upper right", ncols=len(COLOURS), frameon=False, fontsize=8)
    caption(figure, "difference to the reference level", f"bars: 95% interval {extent.over}", "grey: counts as none")
    return figure


def _panel(axis: Axes, effects: Sequence[Effect], rows: Sequence[str]) -> None:
    metric = EFFECTS_ON[effects[0].metric]
    axis.axvspan(-metric.floor, metric.floor, color="0.9", lw=0)
    axis.axvline(0, color="0.6", lw=0.8)
    for effect in effects:
        if label(effect) not in rows or np.isnan(effect.estimate.value):
            continue
        place, colour = rows.index(label(effect)), COLOURS[effect.verdict]
        if np.isfinite(effect.estimate.low):
            axis.plot([effect.estimate.low, effect.estimate.high], [place, place], color=colour, lw=2.5, alpha=0.5)
        axis.plot(effect.estimate.value, place, "o", color=colour, ms=4)
    mains = sum(len(effect.factors) == 1 for effect in effects)
    axis.axhline(mains - 0.5, color="0.7", lw=0.6, ls=":")
    name, _, better = title(metric.name).partition(" (")
    log = "log of " if metric.name == LOG_TIME_RATIO.name else ""
    axis.set_title(f"{log}{name}\n({better}", size=8)
    axis.margins(x=0.1)
    signed_axis(axis.xaxis, *axis.get_xlim(), ticks=3)
    axis.tick_params(axis="x", labelsize=7)
    axis.grid(axis="x", alpha=0.3)


def _rows(effects: Sequence[Effect]) -> list[str]:
    """Return the labels that are drawn: every main effect, and the interactions furthest from nought in any panel."""
    distance: dict[str, float] = {}
    for effect in effects:
        own = abs(effect.estimate.value) / EFFECTS_ON[effect.metric].floor
        main = np.inf if len(effect.factors) == 1 else np.nan_to_num(own)
        distance[label(effect)] = max(distance.get(label(effect), 0.0), float(main))
    kept = set(sorted(distance, key=lambda name: -distance[name])[:MAX_ROWS])
    return [name for name in distance if name in kept]


def _shortened(name: str) -> str:
    """Return a label for which there is room."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
