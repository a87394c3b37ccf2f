"""The pictures of benchmarks: how the kernels' cost grows, and where which forecaster gains."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from evaluator.analysis.columns import BALANCE_FLOOR
from evaluator.bench.forecasters import Gain
from evaluator.bench.placement import Growth
from evaluator.shown.style import COLOURS, MARKS, STRIDE, STYLE, colour_of


def growth_plot(found: Sequence[Growth]) -> Figure:
    """Return placement time against layers x P log2 P, with the line on which time grows as that does."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 4.2), layout="constrained")
        axis = figure.subplots()
        for name in dict.fromkeys(growth.variant for growth in found):
            own = [growth for growth in found if growth.variant == name]
            units = [_unit(growth) for growth in own]
            colour = colour_of(name)
            axis.plot(units, [growth.milliseconds for growth in own], "o-", color=colour, label=name, ms=5)
            first = own[0].milliseconds / units[0]
            axis.plot(units, [first * unit for unit in units], ":", color=colour, lw=1)
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlabel("layers x P log2 P")
        axis.set_ylabel("placement time, ms (median of the rounds)")
        sizes = list(dict.fromkeys(growth.size for growth in found))
        top = axis.secondary_xaxis("top")
        top.set_xticks([_unit(Growth("", size, 0.0)) for size in sizes])
        top.set_xticklabels([f"{s.num_layers} x {s.num_experts}\n{s.num_slots}" for s in sizes], fontsize=7)
        top.xaxis.set_minor_formatter(NullFormatter())
        top.set_xlabel("layers x experts, slots", fontsize=8)
        axis.grid(alpha=0.3)
        axis.legend(frameon=False, title="dotted: as layers x P log2 P")
    return figure


def forecasters_plot(found: Sequence[Gain]) -> Figure:
    """Return what each forecaster gains over the last window, a row for each kind of traffic, with intervals."""
    rows = list(dict.fromkeys(gain.traffic for gain in found))
    names = list(dict.fromkeys(gain.forecaster for gain in found))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 1.2 + 0.09 * len(names) * len(rows)), layout="constrained")
        axis = figure.subplots()
        axis.axvspan(-BALANCE_FLOOR, BALANCE_FLOOR, color="#d0d4d9", lw=0)
        for place, (name, mark) in enumerate(zip(names, itertools.cycle(MARKS), strict=False)):
            own = [gain for gain in found if gain.forecaster == name]
            level = [rows.index(gain.traffic) + 0.7 / len(names) * (place - (len(names) - 1) / 2) for gain in own]
            value = [gain.difference.value for gain in own]
            half = [np.nan_to_num(gain.difference.high - gain.difference.value) for gain in own]
            axis.errorbar(
                value, level, xerr=half, fmt=mark, color=COLOURS[place * STRIDE % len(COLOURS)], label=name, ms=4, lw=1
            )
        axis.set_yticks(range(len(rows)), rows)
        axis.set_ylim(len(rows) - 0.4, -0.6)
        axis.set_xlabel("balancedness on the next window, less that of the forecaster last")
        axis.grid(axis="x", alpha=0.3)
        axis.legend(frameon=False, ncols=min(len(names), 4), loc="lower center", bbox_to_anchor=(0.4, 1))
    return figure


def _unit(growth: Growth) -> float:
    return growth.size.num_layers * growth.size.num_slots * math.log2(growth.size.num_slots)
