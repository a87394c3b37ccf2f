"""The times of a table: ratios to one reference, taken on one machine with one setting, and what is doubtful in them.

A ratio to another reference, of another machine or by another setting is another quantity. Ratios of different kinds
are never averaged: where the cells of a variant have several, it has no ratio, and the table says why. A time that
cannot be believed, or whose interval is so wide that a difference worth knowing would not show, has no verdict.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from evaluator.analysis.columns import TIME_FLOOR, TIMES
from evaluator.analysis.paired import corrected, verdict_on_time
from evaluator.analysis.statistics import FEWEST, SAME, Estimate, Mean, error_of, estimate_in, mean_of_means

CONTROL = "control"
"""In place of a verdict on the time of the time reference: it stood beside itself, so that its ratio should be 1."""
CONDITIONS = {"machine": "machines", "timing_config": "timing settings"}
"""Columns that say how a time was taken, and what several of their values are called."""
RATIO = ["time_ratio", "time_ratio_low", "time_ratio_high"]
SEEN = 0.05
"""Relative difference that must show: where an interval holds both equality and this, the time says nothing."""
MOST_DF = 10
"""Degrees of freedom with which the interval of a median tells its error, at most. So of 2,500 made-up normal runs of
20 rounds, 0.3% had a p-value below 0.0025; with the 19 of a mean 0.7% had."""
OFF = TIME_FLOOR / 2
"""Relative error of a control from which on all times are disturbed: half of what a verdict needs. Smaller ones cannot
make a verdict of what is none, and pass after pass has some, which narrow intervals show."""


def verdict_on_times(ratio: Estimate, *, believed: bool = True, p: float | None = None) -> str | None:
    """Return what the ratio of a time to the reference's allows to be said; None where nothing is.

    Args:
        ratio: with its interval over rounds.
        believed: whether nothing disturbed the time.
        p: its p-value where that was corrected for the other times beside it.
    """
    said = verdict_on_time(ratio, p)
    return None if not believed or (said == SAME and _is_wide(ratio)) else said


def is_off(control: Estimate) -> bool:
    """Return whether the ratio of something to itself, of enough rounds, excludes 1, and by so much that it matters."""
    excludes = control.low > 1 or control.high < 1  # of NaN it is neither
    return bool(excludes and abs(np.log(control.value)) > np.log1p(OFF)) and control.num >= FEWEST


def mean_ratio(ratios: list[Estimate]) -> Estimate:
    """Return the geometric mean of the ratios of several cells, with the interval of a mean of logarithms.

    The error of each comes from its interval, its degrees of freedom from its rounds, ``MOST_DF`` at most: so does the
    p-value, Student's of the logarithm. One cell keeps its interval.
    """
    if not ratios:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    values, lows, highs = np.log(np.maximum(np.array([ratio[:3] for ratio in ratios]), 1e-12)).T
    rounds = [ratio.num for ratio in ratios]
    parts = zip(values, error_of(lows, highs) ** 2, rounds, strict=True)
    found = mean_of_means(
        [Mean(value, variance, min(max(num, 2) - 1, MOST_DF)) for value, variance, num in parts], min(rounds)
    )
    if len(ratios) == 1:
        return ratios[0]._replace(p=found.p)
    value, low, high = (float(end) for end in np.exp(found[:3]))
    return Estimate(value, low, high, found.num, p=found.p)


def times_by_variant(cells: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Return what is said of the times of each variant, a row each under its name.

    Args:
        cells: one row per cell, as stored.
        reference: variant that the table compares with.

    Columns, beside ``TIMES`` as geometric means over the variant's cells, the ratio with the interval of
    ``mean_ratio``:

    * ``place_peak_mib``: the most memory that a call needed in any cell.
    * ``time_rounds``: the fewest rounds of a cell.
    * ``time_reference``: the variant that the ratio is to.
    * ``time_p``, ``time_p_holm``: the probability of such a ratio by chance, by itself and corrected for the variants
      of the table whose times can have a verdict; NaN where this one's cannot.
    * ``time_verdict``, which the corrected one decides where there are several: ``CONTROL`` for the time reference
      itself; None where the ratio is to another variant than ``reference``, and where the time cannot be believed or
      its interval is too wide.
    * ``timing_valid``: whether all its times were taken alone on the machine.
    * ``timing_has_core``: whether the calls that they rest on had their core.
    * ``time_wide``: whether its interval holds both equality and ``SEEN``.
    * ``time_left_out``: in what the times of this table differ, where the variant has no ratio because of it.
    * ``time_mixed``: in what the ratios that are left differ all the same; the same in every row.
    * ``time_disturbed``: whether the time reference beside itself did not take its own time; the same in every row.
    * ``time_trust``: why its time should be doubted, in few words; None where there is no reason or no time.
    """
    timed = cells[cells["time_ratio"].notna()]
    beside = _time_reference(timed, reference)
    reason = why_not_averaged(timed)
    rows = {
        str(name): _of_variant(own, reason if reason and _is_left_out(own, beside) else None, beside, reference)
        for name, own in cells.groupby("variant", sort=True)
    }
    kept = [name for name, row in rows.items() if row["time_left_out"] is None]
    _correct(rows)
    mixed = reason and differing_conditions(timed[timed["variant"].isin(kept)])
    control = rows.get(beside) if beside is not None else None
    disturbed = control is not None and is_off(estimate_in(control, "time_ratio", control["time_rounds"]))
    whole = {name: {**row, "time_mixed": mixed, "time_disturbed": disturbed} for name, row in rows.items()}
    for row in whole.values():
        if disturbed and row["time_verdict"] != CONTROL:
            row["time_verdict"] = None
    return pd.DataFrame.from_dict(
        {name: {**row, "time_trust": _doubts(row, reference) or None} for name, row in whole.items()}, orient="index"
    )


def why_not_averaged(timed: pd.DataFrame) -> str | None:
    """Return in what the times of some cells differ, such that their ratios have no mean; None where they have one."""
    names = sorted(timed["time_reference"].dropna().unique())
    return f"beside {' and '.join(names)}" if len(names) > 1 else differing_conditions(timed)


def differing_conditions(timed: pd.DataFrame) -> str | None:
    """Return in words how many machines or timing settings the times of cells are of; None where they are of one."""
    for column, words in CONDITIONS.items():
        found = sorted(timed[column].dropna().unique())
        if len(found) > 1:
            return f"{'on' if column == 'machine' else 'with'} {len(found)} {words}{_which_differ(found)}"
    return None


def time_reference_of(summary: pd.DataFrame) -> str | None:
    """Return the variant that the ratios of a summary are to; None where there are none."""
    names = summary.loc[summary["time_ratio"].notna(), "time_reference"].dropna().unique()
    return str(names[0]) if len(names) == 1 else None


def time_notes(summary: pd.DataFrame, reference: str) -> list[str]:
    """Return what a reader of a summary must know of its times, a sentence each, and what to do about it."""
    beside, notes = time_reference_of(summary), []
    again = f"eplb evaluate ... reference={reference} measure=time refresh=true takes them again"
    for reason in summary["time_left_out"].dropna().unique():
        names = ", ".join(summary.loc[summary["time_left_out"] == reason, "variant"])
        whose = "times" if summary["time_left_out"].notna().all() else f"the times of {names}"
        notes.append(f"{whose} are left out, because they were taken {reason}, and such ratios have no mean: {again}")
    if beside is not None and beside != reference:
        notes.append(f"times were taken beside {beside}, so there is no verdict on time against {reference}: {again}")
    mixed = summary["time_mixed"].dropna().unique()
    if len(mixed):
        notes.append(f"the times of these variants were taken {mixed[0]}, and do not compare: {again}")
    if summary["time_disturbed"].any():
        control = summary[summary["variant"] == beside].iloc[0]
        took = estimate_in(control, "time_ratio").text(".2f")
        notes.append(f"times are disturbed: {beside} beside itself took {took} of its own time")
    known = summary[summary["time_ratio"].notna()]
    lost = ", ".join(known.loc[~known["timing_has_core"].astype(bool), "variant"])
    if lost:
        notes.append(f"others had the cores while {lost} was timed, so that time has no verdict: {again}")
    wide = ", ".join(known.loc[known["time_wide"].astype(bool) & (known["time_verdict"] != CONTROL), "variant"])
    if wide:
        notes.append(f"the time of {wide} is too uncertain to show a difference of {SEEN:.0%}: more timing.rounds help")
    return notes


def _time_reference(timed: pd.DataFrame, reference: str) -> str | None:
    """Return the variant that the ratios of a table are to: of several, the one that the table compares with."""
    names = timed["time_reference"].dropna().unique()
    return reference if len(names) > 1 else str(names[0]) if len(names) == 1 else None


def _is_left_out(cells: pd.DataFrame, beside: str | None) -> bool:
    """Return whether the times of a variant's cells are of several kinds, or beside another than the table's."""
    timed = cells[cells["time_ratio"].notna()]
    return bool((timed["time_reference"].dropna() != beside).any()) or why_not_averaged(timed) is not None


def _of_variant(cells: pd.DataFrame, left_out: str | None, beside: str | None, reference: str) -> dict[str, Any]:
    times = {time: _geometric_mean(cells[time]) for time in TIMES if time not in RATIO}
    timed = cells[cells["time_ratio"].notna()]
    numbers = timed["timing_rounds"].fillna(0).astype(int)
    found = mean_ratio(
        [estimate_in(row, "time_ratio", n) for (_, row), n in zip(timed[RATIO].iterrows(), numbers, strict=True)]
    )
    times |= dict(zip(RATIO, found[:3], strict=True))
    if left_out is not None:  # seconds have a mean whatever stood beside them
        one_kind = differing_conditions(timed) is None
        times |= dict.fromkeys(RATIO if one_kind else TIMES, float("nan"))
    rounds = cells["timing_rounds"].dropna()
    num = int(rounds.min()) if len(rounds) else 0
    known = bool(np.isfinite(times["time_ratio"])) and beside is not None
    alone, has_core = (bool(cells[flag].dropna().all()) for flag in ("timing_valid", "timing_has_core"))
    verdict, ratio, p = None, estimate_in(times, "time_ratio", num), float("nan")
    if known and cells["variant"].iloc[0] == beside:
        verdict = CONTROL
    elif known and beside == reference:
        verdict = verdict_on_times(ratio, believed=alone and has_core)
        p = found.p if verdict is not None else p
    return {
        **times,
        "place_peak_mib": float(cells["place_peak_mib"].max()),
        "time_rounds": num,
        "time_reference": beside if known else None,
        "time_p": p,
        "time_p_holm": p,
        "time_verdict": verdict,
        "timing_valid": alone,
        "timing_has_core": has_core,
        "time_wide": known and _is_wide(ratio),
        "time_left_out": left_out,
    }


def _correct(rows: dict[str, dict[str, Any]]) -> None:
    """Correct the verdicts of a table for their number, in place; a single one stands as it is."""
    judged = [row for row in rows.values() if not np.isnan(row["time_p"])]
    if len(judged) < 2:
        return
    for row, p in zip(judged, corrected([row["time_p"] for row in judged]), strict=True):
        row["time_p_holm"] = p
        row["time_verdict"] = verdict_on_times(estimate_in(row, "time_ratio", row["time_rounds"]), p=p)


def _doubts(row: dict[str, Any], reference: str) -> str:
    if pd.isna(row["time_ratio"]):
        return ""
    marks = []
    if row["time_verdict"] != CONTROL and row["time_reference"] not in (None, reference):
        marks.append(f"beside {row['time_reference']}")
    if not pd.isna(row["time_mixed"]):
        marks.append(str(row["time_mixed"]).partition(",")[0])
    if row["time_disturbed"]:
        marks.append("disturbed")
    if not row["timing_valid"]:
        marks.append("not alone on the machine")
    if not row["timing_has_core"]:
        marks.append("without a core of its own")
    if row["time_wide"]:
        marks.append(f"too wide to show {SEEN:.0%}")
    return ", ".join(marks)


def _is_wide(ratio: Estimate) -> bool:
    """Return whether an interval that holds equality holds a difference of ``SEEN`` too, to either side."""
    return bool(ratio.low <= 1 <= ratio.high and (ratio.high > 1 + SEEN or ratio.low < 1 / (1 + SEEN)))


def _which_differ(texts: list[str]) -> str:
    """Return the keys in which JSON objects differ, as a clause; empty where they are none."""
    try:
        found = [json.loads(text) for text in texts]
        keys = sorted({key for one in found for key in one if any(one[key] != other.get(key) for other in found)})
    except (ValueError, TypeError, AttributeError):
        return ""
    return f", which differ in {' and '.join(keys)}" if keys else ""


def _geometric_mean(values: pd.Series) -> float:
    positive = values.dropna().to_numpy(dtype=float)
    return float(np.exp(np.log(np.maximum(positive, 1e-12)).mean())) if positive.size else float("nan")
