"""From rows by window to one line per variant: means, paired differences to a reference, times, and the verdicts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from eplb_variants.errors import unknown
from evaluator.compare.score import Score
from evaluator.results.schema import OK
from evaluator.statistics import Estimate, judge_difference, judge_ratio, mean_of_series

HEADLINE = "balancedness_gpu_next"
METRICS = (
    "balancedness_gpu_next",
    "balancedness_gpu_own",
    "balancedness_node_next",
    "balancedness_node_own",
    "balancedness_expert_next",
    "balancedness_expert_own",
    "balancedness_gpu_layer_mean_next",
    "balancedness_gpu_layer_mean_own",
    "moved_slots",
    "group_locality",
    "colocated_replicas",
)
TIMES = ("place_seconds", "place_cpu_seconds", "time_ratio", "time_ratio_low", "time_ratio_high")
STRATUM = ["workload", "workload_content", "topology", "interval"]
"""What is summed up together: a workload on a topology, over its seeds."""
SERIES = [*STRATUM, "seed"]
"""What identifies a trace: a series of windows on which variants are paired."""
PAIR = [*SERIES, "window"]


def summarise(frame: pd.DataFrame, reference: str, score: Score | None = None) -> pd.DataFrame:
    """Return one row per variant, best first on the headline.

    Args:
        frame: rows by window, as stored; failed and skipped cells are left out.
        reference: variant that differences are to; its own difference is nought.
        score: a column ``score`` is added for it.

    Columns are the means of the metrics over all windows; ``difference``, ``difference_low``, ``difference_high`` of
    the headline to the reference on the same windows (the own window where there is no next one), ``verdict`` and
    ``windows``; times as the geometric mean over cells of the ratios, with ``time_verdict``.

    A variant that was not measured everywhere (``complete`` is false) stands last: its means are of other windows.
    Ratios to another time reference than the table's are left out.

    Raises:
        EplbError: the reference is not among the variants that were measured.
    """
    good = frame[frame["status"] == OK]
    variants = good["variant"].unique()
    if reference not in variants:
        raise unknown("measured variant", reference, variants)
    headline = headline_of(good)
    base = good[good["variant"] == reference]
    rows = [_line(name, good[good["variant"] == name], base, headline) for name in variants]
    table = pd.DataFrame(rows)
    table["complete"] = table["cells"] == table["cells"].max()
    _keep_one_time_reference(table, reference)
    table = table.sort_values(["complete", headline], ascending=False, kind="stable", ignore_index=True)
    if score is not None:
        table["score"] = score.of(table)
    return table


def _keep_one_time_reference(table: pd.DataFrame, reference: str) -> None:
    """Drop ratios, in place, to other time references than the one that most of the table is about."""
    known = table["time_reference"].dropna().unique()
    if len(known) > 1:
        other = table["time_reference"] != reference
        table.loc[other, ["time_ratio", "time_ratio_low", "time_ratio_high"]] = float("nan")
        table.loc[other, "time_verdict"] = None


def headline_of(frame: pd.DataFrame) -> str:
    """Return the column that variants are ranked by: on the next window, or on the own one where none has a next."""
    return HEADLINE if frame[HEADLINE].notna().any() else "balancedness_gpu_own"


def paired(frame: pd.DataFrame, base: pd.DataFrame, column: str) -> list[list[np.ndarray]]:
    """Return the differences of a column on the windows that both have: by stratum, an array per trace."""
    both = frame[[*PAIR, column]].merge(base[[*PAIR, column]], on=PAIR, suffixes=("", "_base"), validate="one_to_one")
    both["difference"] = both[column] - both[f"{column}_base"]
    return series_of(both, "difference")


def series_of(frame: pd.DataFrame, column: str) -> list[list[np.ndarray]]:
    """Return the values of a column: by stratum, an array per trace."""
    strata = frame.sort_values(PAIR).groupby(STRATUM, sort=True)
    return [[trace[column].to_numpy() for _, trace in stratum.groupby("seed")] for _, stratum in strata]


def _line(name: str, frame: pd.DataFrame, base: pd.DataFrame, headline: str) -> dict[str, object]:
    difference = mean_of_series(paired(frame, base, headline))
    means = {metric: frame[metric].mean() for metric in METRICS}
    cells = frame.drop_duplicates("cell")
    times = {time: _geometric_mean(cells[time]) for time in TIMES}
    ratio = Estimate(times["time_ratio"], times["time_ratio_low"], times["time_ratio_high"], _rounds(cells))
    return {
        "variant": name,
        **means,
        "difference": difference.value,
        "difference_low": difference.low,
        "difference_high": difference.high,
        "windows": difference.num,
        "cells": len(cells),
        "traces": len(frame[SERIES].drop_duplicates()),
        "strata": len(frame[STRATUM].drop_duplicates()),
        "verdict": judge_difference(difference),
        **times,
        "time_reference": _only(cells["time_reference"].dropna().unique()),
        "time_verdict": judge_ratio(ratio) if np.isfinite(ratio.value) else None,
        "timing_valid": bool(cells["timing_valid"].dropna().all()),
    }


def _rounds(cells: pd.DataFrame) -> int:
    rounds = cells["timing_rounds"].dropna()
    return int(rounds.min()) if len(rounds) else 0


def _geometric_mean(values: pd.Series) -> float:
    positive = values.dropna().to_numpy(dtype=float)
    return float(np.exp(np.log(np.maximum(positive, 1e-12)).mean())) if positive.size else float("nan")


def _only(values: np.ndarray) -> str | None:
    return str(values[0]) if len(values) == 1 else None


def by_workload(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the rows of each workload on each topology, with a title, in the order of their names.

    Workloads of one name and different content are told apart by the beginning of their hash.
    """
    contents = frame.groupby("workload")["workload_content"].nunique().to_dict()
    parts = []
    for (workload, content, topology, _), part in frame.groupby(STRATUM, sort=True):
        name = f"{workload}#{str(content)[:6]}" if contents[workload] > 1 else workload
        parts.append((f"{name} on {topology}", part))
    return parts
