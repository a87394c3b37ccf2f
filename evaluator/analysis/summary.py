"""From rows by window to one line per variant: means, paired differences to a reference, times, and the verdicts."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from eplb_variants.errors import unknown
from eplb_variants.loads import FloatArray
from evaluator.analysis.alignment import SERIES, STRATUM, Alignment, align
from evaluator.analysis.columns import HEADLINE, METRICS, OWN_HEADLINE, Metric
from evaluator.analysis.dispatched import DISPATCH, EVEN, FLOW, NEAR
from evaluator.analysis.paired import TIE_DIGITS, corrected, differences, improvement, verdict_on
from evaluator.analysis.pairs import all_pairs, better, places
from evaluator.analysis.pareto import on_front
from evaluator.analysis.score import Score
from evaluator.analysis.statistics import BETTER, WORSE, mean_of_series
from evaluator.analysis.times import time_notes, times_by_variant
from evaluator.results.schema import OK

STEPWISE = ("imbalance_p50", "imbalance_p95", "imbalance_worst", "imbalance_tiles", "active_experts")
LATER = (
    *(f"{name}_next" for name in STEPWISE),
    *(
        f"{name}_{on}"
        for on in ("next", "own")
        for name in ("bound_gpu", "bound_gpu_dispatch", "optimality", "remote_tokens")
    ),
)
"""Columns of what no placement can pass, of tokens that leave their node and of steps, which results of before do not
have."""
SPLIT = {
    FLOW: "as well as can be",
    NEAR: "as well as can be up to a balancedness of .95, and beyond that only within nodes",
}
"""How tokens are split, in words."""
LIMIT_DIGIT = 5e-5
"""Limits that differ by less look alike."""
MOVED = "moved_slots"
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
    cells, means = good.drop_duplicates(["variant", "cell"]), _by_stratum(good, list(METRICS))
    later = _by_stratum(_with_later(good), list(LATER))
    table = pd.concat(
        [
            means.groupby("variant").mean(),
            later.groupby("variant").mean(),
            _judgements(aligned, reference, METRICS[headline]),
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
    _place(table, means[headline].unstack("variant"), [aligned, align(good, MOVED)], headline)
    if score is not None:
        table["score"] = score.of(table)
    table[DISPATCH] = good[DISPATCH].iloc[0] if DISPATCH in good else EVEN
    return table


def _with_later(good: pd.DataFrame) -> pd.DataFrame:
    """Return rows with all of ``LATER``, as numbers."""
    return good.assign(**{name: pd.to_numeric(good[name]) if name in good else float("nan") for name in LATER})


def _by_stratum(good: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return the means of some columns by variant and stratum: over the windows of a trace, then over traces."""
    return good.groupby(["variant", *SERIES])[columns].mean().groupby(["variant", *STRATUM]).mean()


def _place(table: pd.DataFrame, means: pd.DataFrame, aligned: Sequence[Alignment], headline: str) -> None:
    """Add the places of the complete variants, and which are on the front, in place.

    Args:
        table: a row per variant.
        means: of the headline, a row per stratum and a column per variant.
        aligned: the headline, and moved slots.
        headline: its column.
    """
    complete = table[table["complete"]]
    names = [str(name) for name in complete["variant"]]
    metrics = METRICS[headline], METRICS[MOVED]
    above = [better(all_pairs(one, names), metric) for one, metric in zip(aligned, metrics, strict=True)]
    table["rank"] = pd.Series(places(above[0]), index=complete.index)
    ranks = means[names].round(TIE_DIGITS).rank(axis=1, ascending=False)
    table["mean_rank"] = table["variant"].map(ranks.mean())
    front = pd.Series(on_front(complete, above, headline), index=complete.index)
    table["front"] = front.reindex(table.index, fill_value=False).astype(bool)


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
    how = summary[DISPATCH].iloc[0]
    if how != EVEN:
        notes.append(f"tokens are split over replicas by their load, {SPLIT[how]}, whatever the variant")
    notes += _limits(summary)
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


def _limits(summary: pd.DataFrame) -> list[str]:
    """Return what no placement can pass on these loads, in words; nothing of results of before."""
    on = "own" if summary[HEADLINE].isna().all() else "next"
    even, dispatched = summary[f"bound_gpu_{on}"], summary[f"bound_gpu_dispatch_{on}"]
    if even.isna().all():
        return []
    if summary[DISPATCH].iloc[0] != EVEN:
        return [f"no placement passes {even.max():.4f}"]
    lower = f" ({even.min():.4f} where groups stay on their nodes)" if even.max() - even.min() > LIMIT_DIGIT else ""
    if dispatched.max() - even.max() <= LIMIT_DIGIT:
        return [f"no placement passes {even.max():.4f}{lower}, however tokens are split over replicas"]
    return [
        f"no placement passes {even.max():.4f}{lower} with tokens split evenly over replicas, nor "
        f"{dispatched.max():.4f} however they are split"
    ]


def _judgements(aligned: Alignment, reference: str, metric: Metric) -> pd.DataFrame:
    """Return what each variant comes to beside the reference, a row each under its name; see ``summarise``."""
    base = aligned.series(reference)
    series = {name: differences(aligned.series(name), base) for name in aligned.variants}
    found = {name: mean_of_series(own) for name, own in series.items()}
    others = [name for name in aligned.variants if name != reference]
    p_holm = dict(zip(others, corrected([found[name].p for name in others]), strict=True))
    rows: dict[str, dict[str, object]] = {}
    for name, difference in found.items():
        estimates = {
            "headline": aligned.mean_of(name),
            "difference": difference,
            "improvement": improvement(series[name]),
        }
        verdict, p = verdict_on(difference, metric, p_holm.get(name)), p_holm.get(name, float("nan"))
        rows[name] = {
            f"{column}{end}": value
            for column, estimate in estimates.items()
            for end, value in zip(("", "_low", "_high"), estimate, strict=False)
        } | {"p": difference.p, "p_holm": p, "verdict": verdict, "turned_by": None, "windows": difference.num}
        if verdict in (BETTER, WORSE):
            times = p / difference.p if difference.p > 0 else 1.0
            rows[name]["turned_by"] = _turned_by(aligned.workloads, series[name], verdict, metric, times)
    return pd.DataFrame.from_dict(rows, orient="index")


def _turned_by(
    workloads: Sequence[str], series: Sequence[Sequence[FloatArray]], verdict: str, metric: Metric, times: float
) -> str | None:
    """Return the workloads without any one of which a verdict for or against a variant would be another; None if none.

    Args:
        workloads: of each stratum.
        series: differences by stratum and trace.
        verdict: on all of them, better or worse.
        metric: what they are of.
        times: what the p-value was multiplied by, as the others' are.
    """
    names = sorted(set(workloads))
    if len(names) < FEWEST_WORKLOADS:
        return None
    turning = []
    for name in names:
        without = mean_of_series([one for one, of in zip(series, workloads, strict=True) if of != name])
        if verdict_on(without, metric, without.p * times) != verdict:
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
