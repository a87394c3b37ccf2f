"""From rows by window to one line per variant: means, paired differences to a reference, times, and the verdicts."""

from __future__ import annotations

import pandas as pd

from eplb_variants.errors import unknown
from evaluator.analysis.alignment import SERIES, STRATUM, Alignment, align
from evaluator.analysis.columns import HEADLINE, METRICS, OWN_HEADLINE
from evaluator.analysis.paired import TIE_DIGITS, improvement, paired
from evaluator.analysis.score import Score
from evaluator.analysis.times import time_notes, times_by_variant
from evaluator.results.schema import OK


def summarise(frame: pd.DataFrame, reference: str, score: Score | None = None) -> pd.DataFrame:
    """Return one row per variant, best first on the headline.

    Args:
        frame: rows by window, as stored; failed and skipped cells are left out.
        reference: variant that differences are to; its own difference is nought.
        score: a column ``score`` is added for it.

    Columns are the means of the metrics over all windows; ``headline`` with ``_low`` and ``_high``, the mean of the
    headline with its 95% interval; ``difference`` with its interval, that of the headline to the reference on the same
    windows (the own window where there is no next one), ``verdict`` and ``windows``; ``improvement`` with its
    interval, the probability that the variant is better than the reference on a window, ties counted half; ``cells``,
    ``traces`` and ``strata``, their numbers; the times as ``times_by_variant`` returns them. ``rank`` is the place by
    the headline, equals sharing the better one; ``mean_rank`` the mean over strata of the place there, equals sharing
    the mean of theirs.

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
            good.groupby("variant")[list(METRICS)].mean(),
            pd.DataFrame.from_dict({name: _judged(aligned, name, reference) for name in variants}, orient="index"),
            pd.DataFrame.from_dict({name: _counts(own) for name, own in cells.groupby("variant")}, orient="index"),
            times_by_variant(cells, reference),
        ],
        axis=1,
    )
    table = table.rename_axis("variant").reset_index()
    table["complete"] = table["cells"] == table["cells"].max()
    _rank(table, good, headline)
    placed = table.assign(place=table[headline].round(TIE_DIGITS))
    places = placed.sort_values(["complete", "place"], ascending=False, kind="stable").index
    table = table.loc[places].reset_index(drop=True)  # equals in the order of their names
    if score is not None:
        table["score"] = score.of(table)
    return table


def _rank(table: pd.DataFrame, good: pd.DataFrame, headline: str) -> None:
    """Add the places of the complete variants, in place."""
    complete = table[table["complete"]]
    table["rank"] = complete[headline].round(TIE_DIGITS).rank(ascending=False, method="min")
    known = good[good["variant"].isin(complete["variant"])]
    means = known.groupby([*STRATUM, "variant"])[headline].mean().unstack("variant")
    table["mean_rank"] = table["variant"].map(means.round(TIE_DIGITS).rank(axis=1, ascending=False).mean())


def headline_of(frame: pd.DataFrame) -> str:
    """Return the column that variants are ranked by: on the next window, or on the own one where none has a next."""
    return HEADLINE if frame[HEADLINE].notna().any() else OWN_HEADLINE


def notes_on(summary: pd.DataFrame, reference: str) -> list[str]:
    """Return what a reader of a summary must know beside its numbers, a sentence each."""
    alone = []
    if summary[HEADLINE].isna().all():
        alone.append('there is one window only, so variants are ranked by "own": no window has a next one')
    return [*alone, *time_notes(summary, reference)]


def _judged(aligned: Alignment, name: str, reference: str) -> dict[str, object]:
    own, base = aligned.series(name), aligned.series(reference)
    found, mean = paired(own, base), aligned.mean_of(name)
    estimates = {"headline": mean, "difference": found.difference, "improvement": improvement(own, base)}
    numbers: dict[str, object] = {}
    for column, estimate in estimates.items():
        numbers |= {column: estimate.value, f"{column}_low": estimate.low, f"{column}_high": estimate.high}
    return numbers | {"verdict": found.verdict, "windows": found.difference.num}


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
