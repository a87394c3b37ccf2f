"""From rows by window to one line per variant: means, paired differences to a reference, times, and the verdicts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from eplb_variants.errors import unknown
from eplb_variants.loads import FloatArray
from evaluator.analysis.alignment import SERIES, STRATUM, Alignment, align
from evaluator.analysis.columns import HEADLINE, METRICS, OWN_HEADLINE, Metric
from evaluator.analysis.paired import TIE_DIGITS, corrected, differences, improvement, paired, verdict_on
from evaluator.analysis.pairs import all_pairs, better, places
from evaluator.analysis.pareto import on_front
from evaluator.analysis.score import Score
from evaluator.analysis.statistics import BETTER, WORSE, mean_of_series
from evaluator.analysis.times import time_notes, times_by_variant
from evaluator.results.schema import OK

FEWEST_WORKLOADS = 3
"""Workloads from which on it is said which of them turns a verdict: of two, each does."""


def summarise(frame: pd.DataFrame, reference: str, score: Score | None = None) -> pd.DataFrame:
    """Return one row per variant, best first on the headline.

    Args:
        frame: rows by window, as stored; failed and skipped cells are left out.
        reference: variant that differences are to; its own difference is 0.
        score: a column ``score`` is added for it.

    Columns are the means of the metrics, over the windows of a trace, then traces, then strata: a workload weighs what
    the next one does. ``headline`` with ``_low`` and ``_high`` is the mean of the headline with its 95% interval;
    ``difference`` with its interval, that of the headline to the reference on the same windows (the own window where
    there is no next one), ``p`` and ``p_holm``, its probability by chance, by itself and corrected for the variants of
    the table, ``verdict``, which the corrected one decides, and ``windows``; ``turned_by``, the workloads without which
    the verdict would be another; ``improvement`` with its interval, the probability that the variant is better than the
    reference on a window, ties counted half; ``cells``, ``traces`` and ``strata``, their numbers; the times as
    ``times_by_variant`` returns them. ``rank`` is the place: one more than there are variants that are really better;
    ``mean_rank`` the mean over strata of the place there by the mean, equals sharing the mean of theirs. ``front`` says
    which no other one beats (``evaluator.analysis.pareto``).

    A variant that was not measured everywhere (``complete`` is false) stands last and has no rank: its means are of
    other windows.

    Raises:
        EplbError: the reference is not among the variants that were measured.
    """
    good = frame[frame["status"] == OK]
    variants = sorted(good["variant"].unique())
    if reference not in variants:
        raise unknown("measured variant", reference, variants)
    headline = headline_of(good)
    aligned = align(good, headline)
    cells = good.drop_duplicates(["variant", "cell"])
    table = pd.concat(
        [
            equal_means(good, list(METRICS)),
            judgements(aligned, reference, METRICS[headline]),
            pd.DataFrame.from_dict({name: _counts(own) for name, own in cells.groupby("variant")}, orient="index"),
            times_by_variant(cells, reference),
        ],
        axis=1,
    )
    table = table.rename_axis("variant").reset_index()
    table["complete"] = table["cells"] == table["cells"].max()
    placed = table.assign(place=table[headline].round(TIE_DIGITS))
    order = placed.sort_values(["complete", "place"], ascending=False, kind="stable").index
    table = table.loc[order].reset_index(drop=True)  # equals in the order of their names
    _place(table, good, aligned, headline)
    if score is not None:
        table["score"] = score.of(table)
    return table


def equal_means(good: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return the means of some columns by variant: over the windows of a trace, then traces, then strata."""
    traces = good.groupby(["variant", *SERIES])[columns].mean()
    return traces.groupby(["variant", *STRATUM]).mean().groupby("variant").mean()


def _place(table: pd.DataFrame, good: pd.DataFrame, aligned: Alignment, headline: str) -> None:
    """Add the places of the complete variants, and which are on the front, in place."""
    complete = table[table["complete"]]
    names = [str(name) for name in complete["variant"]]
    metric, moved = METRICS[headline], METRICS["moved_slots"]
    above = better(all_pairs(aligned, names), metric)
    less_moved = better(all_pairs(align(good, moved.name), names), moved)
    table["rank"] = pd.Series(places(above), index=complete.index)
    known = good[good["variant"].isin(names)]
    means = equal_means_by_stratum(known, headline)
    table["mean_rank"] = table["variant"].map(means.round(TIE_DIGITS).rank(axis=1, ascending=False).mean())
    front = pd.Series(on_front(complete, [above, less_moved], headline), index=complete.index)
    table["front"] = front.reindex(table.index, fill_value=False).astype(bool)


def equal_means_by_stratum(good: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the means of a column, a row per stratum and a column per variant: over windows, then traces."""
    traces = good.groupby([*SERIES, "variant"])[column].mean()
    return traces.groupby([*STRATUM, "variant"]).mean().unstack("variant")


def headline_of(frame: pd.DataFrame) -> str:
    """Return the column that variants are ranked by: on the next window, or on the own one where none has a next."""
    return HEADLINE if frame[HEADLINE].notna().any() else OWN_HEADLINE


def notes_on(summary: pd.DataFrame, reference: str) -> list[str]:
    """Return what a reader of a summary must know beside its numbers, a sentence each."""
    notes = []
    if summary[HEADLINE].isna().all():
        notes.append('there is one window only, so variants are ranked by "own": no window has a next one')
    elif summary["traces"].max() == 1:
        notes.append("verdicts speak of this one trace; further seeds, or recordings, let them speak of loads like it")
    others = int((summary["variant"] != reference).sum())
    if others > 1:
        notes.append(
            f"verdicts are corrected for there being {others} variants, so an interval may say more than they do"
        )
    notes += [
        f"the verdict on {row['variant']} turns on {row['turned_by']}: without it, it would be another"
        for _, row in summary[summary["turned_by"].notna()].iterrows()
    ]
    return [*notes, *time_notes(summary, reference)]


def judgements(aligned: Alignment, reference: str, metric: Metric) -> pd.DataFrame:
    """Return what each variant comes to beside the reference, a row each under its name; see ``summarise``."""
    base = aligned.series(reference)
    found = {name: paired(aligned.series(name), base, metric).difference for name in aligned.variants}
    others = [name for name in aligned.variants if name != reference]
    p_holm = dict(zip(others, corrected([found[name].p for name in others]), strict=True))
    rows = {}
    for name, difference in found.items():
        own, p = aligned.series(name), p_holm.get(name, float("nan"))
        verdict = verdict_on(difference, metric, p_holm.get(name))
        estimates = {
            "headline": mean_of_series(own),
            "difference": difference,
            "improvement": improvement(own, base),
        }
        numbers = {
            f"{column}{end}": value
            for column, estimate in estimates.items()
            for end, value in zip(("", "_low", "_high"), estimate, strict=False)
        }
        rows[name] = {
            **numbers,
            "p": difference.p,
            "p_holm": p,
            "verdict": verdict,
            "turned_by": _turned_by(
                aligned, differences(own, base), verdict, metric, p / difference.p if difference.p > 0 else 1.0
            ),
            "windows": difference.num,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _turned_by(
    aligned: Alignment, series: list[list[FloatArray]], verdict: str, metric: Metric, times: float
) -> str | None:
    """Return the workloads without any one of which a verdict for or against a variant would be another; None if none.

    Args:
        aligned: what the series are of.
        series: differences by stratum and trace.
        verdict: on all of them.
        metric: what they are of.
        times: what the p-value was multiplied by, as the others' are.
    """
    names = sorted(set(aligned.workloads))
    if verdict not in (BETTER, WORSE) or len(names) < FEWEST_WORKLOADS:
        return None
    turning = []
    for name in names:
        rest = [stratum for stratum, of in zip(series, aligned.workloads, strict=True) if of != name]
        without = mean_of_series(rest)
        p = without.p * times if np.isfinite(times) else without.p
        if verdict_on(without, metric, p) != verdict:
            turning.append(name)
    return ", ".join(turning) or None


def _counts(cells: pd.DataFrame) -> dict[str, int]:
    return {
        "cells": len(cells),
        "traces": len(cells[SERIES].drop_duplicates()),
        "strata": len(cells[STRATUM].drop_duplicates()),
    }


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
