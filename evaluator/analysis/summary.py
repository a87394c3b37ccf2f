"""From rows by window to one line per variant: means, paired differences to a reference, times, and the verdicts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from eplb_variants.errors import unknown
from evaluator.analysis.alignment import SERIES, STRATUM, align
from evaluator.analysis.score import Score
from evaluator.analysis.statistics import Estimate, judge_difference, judge_ratio, mean_of_series
from evaluator.results.schema import OK

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
DIGITS = 9
TIE = 10.0**-DIGITS
"""Balancedness: less apart is equal. The same placement with its GPUs in another order sums up differently by 1e-16."""


def summarise(frame: pd.DataFrame, reference: str, score: Score | None = None) -> pd.DataFrame:
    """Return one row per variant, best first on the headline.

    Args:
        frame: rows by window, as stored; failed and skipped cells are left out.
        reference: variant that differences are to; its own difference is nought.
        score: a column ``score`` is added for it.

    Columns are the means of the metrics over all windows; ``difference``, ``difference_low``, ``difference_high`` of
    the headline to the reference on the same windows (the own window where there is no next one), ``verdict`` and
    ``windows``; ``improvement`` with its ``_low`` and ``_high``, the probability that the variant is better than the
    reference on a window, ties counted half; times as the geometric mean over cells of the ratios, with
    ``time_verdict``. ``rank`` is the place by the headline, equals sharing the better one; ``mean_rank`` the mean over
    strata of the place there, equals sharing the mean of theirs.

    A variant that was not measured everywhere (``complete`` is false) stands last and has no rank: its means are of
    other windows. Ratios to another time reference than the table's are left out.

    Raises:
        EplbError: the reference is not among the variants that were measured.
    """
    good = frame[frame["status"] == OK]
    variants = sorted(good["variant"].unique())
    if reference not in variants:
        raise unknown("measured variant", reference, variants)
    headline = headline_of(good)
    aligned = align(good, headline)
    base_W = aligned.of(reference)
    means = good.groupby("variant")[list(METRICS)].mean()
    cells = dict(list(good.drop_duplicates(["variant", "cell"]).groupby("variant")))
    rows = []
    for name in variants:
        differences = aligned.split(aligned.of(name) - base_W)
        rows.append({"variant": name, **means.loc[name], **_differences(differences), **_times(cells[name])})
    table = pd.DataFrame(rows)
    table["complete"] = table["cells"] == table["cells"].max()
    _keep_one_time_reference(table, reference)
    _rank(table, good, headline)
    places = table.assign(place=table[headline].round(DIGITS)).sort_values(["complete", "place"], ascending=False).index
    table = table.loc[places].reset_index(drop=True)  # equals in the order of their names
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


def _rank(table: pd.DataFrame, good: pd.DataFrame, headline: str) -> None:
    """Add the places of the complete variants, in place."""
    complete = table[table["complete"]]
    table["rank"] = complete[headline].round(DIGITS).rank(ascending=False, method="min")
    known = good[good["variant"].isin(complete["variant"])]
    means = known.groupby([*STRATUM, "variant"])[headline].mean().unstack("variant")
    table["mean_rank"] = table["variant"].map(means.round(DIGITS).rank(axis=1, ascending=False).mean())


def headline_of(frame: pd.DataFrame) -> str:
    """Return the column that variants are ranked by: on the next window, or on the own one where none has a next."""
    return HEADLINE if frame[HEADLINE].notna().any() else "balancedness_gpu_own"


def wins(differences: Sequence[Sequence[np.ndarray]]) -> list[list[np.ndarray]]:
    """Return 1 for each window on which a difference is above nought, 1/2 for a tie, 0 for one below; NaN stays.

    Their mean is the probability of improvement P(X > Y) of Agarwal et al. (2021), on paired windows instead of all
    pairs of runs: two variants on the same window differ by far less than two windows do.
    """
    return [[0.5 + 0.5 * np.sign(np.where(np.abs(d) < TIE, 0.0, d)) for d in traces] for traces in differences]


def _differences(differences: Sequence[Sequence[np.ndarray]]) -> dict[str, object]:
    difference, improvement = mean_of_series(differences), mean_of_series(wins(differences))
    return {
        "difference": difference.value,
        "difference_low": difference.low,
        "difference_high": difference.high,
        "verdict": judge_difference(difference),
        "improvement": improvement.value,
        "improvement_low": improvement.low,
        "improvement_high": improvement.high,
        "windows": difference.num,
    }


def _times(cells: pd.DataFrame) -> dict[str, object]:
    """Return what is said of a variant's cells, one row each: how many there are, and their times."""
    times = {time: _geometric_mean(cells[time]) for time in TIMES}
    ratio = Estimate(times["time_ratio"], times["time_ratio_low"], times["time_ratio_high"], _rounds(cells))
    return {
        "cells": len(cells),
        "traces": len(cells[SERIES].drop_duplicates()),
        "strata": len(cells[STRATUM].drop_duplicates()),
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
