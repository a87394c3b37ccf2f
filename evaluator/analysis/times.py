"""The times of a table: ratios to one reference, taken on one machine with one setting, and what is doubtful in them.

A ratio to another reference, of another machine or by another setting is another quantity. Ratios of different kinds
are never averaged: where the cells of a variant have several, it has no ratio, and the table says why.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from evaluator.analysis.columns import TIMES
from evaluator.analysis.paired import verdict_on_time
from evaluator.analysis.statistics import FEWEST, estimate_in

CONTROL = "control"
"""In place of a verdict on the time of the time reference: it stood beside itself, so that its ratio should be 1."""
CONDITIONS = {"machine": "machines", "timing_config": "timing settings"}
"""Columns that say how a time was taken, and what several of their values are called."""
RATIO = ["time_ratio", "time_ratio_low", "time_ratio_high"]


def times_by_variant(cells: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Return what is said of the times of each variant, a row each under its name.

    Args:
        cells: one row per cell, as stored.
        reference: variant that the table compares with.

    Columns, beside ``TIMES`` as geometric means over the variant's cells:

    * ``time_rounds``: the fewest rounds of a cell.
    * ``time_reference``: the variant that the ratio is to.
    * ``time_verdict``: ``CONTROL`` for the time reference itself; None where the ratio is to another variant than
      ``reference``.
    * ``timing_valid``: whether all its times were taken alone on the machine.
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
    mixed = reason and differing_conditions(timed[timed["variant"].isin(kept)])
    disturbed = beside in rows and _is_off(rows[beside])
    whole = {name: {**row, "time_mixed": mixed, "time_disturbed": disturbed} for name, row in rows.items()}
    return pd.DataFrame.from_dict(
        {name: {**row, "time_trust": _doubts(row) or None} for name, row in whole.items()}, orient="index"
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
    times = {time: _geometric_mean(cells[time]) for time in TIMES}
    if left_out is not None:  # seconds have a mean whatever stood beside them
        one_kind = differing_conditions(cells[cells["time_ratio"].notna()]) is None
        times |= dict.fromkeys(RATIO if one_kind else TIMES, float("nan"))
    rounds = cells["timing_rounds"].dropna()
    num = int(rounds.min()) if len(rounds) else 0
    known = bool(np.isfinite(times["time_ratio"])) and beside is not None
    verdict = None
    if known and cells["variant"].iloc[0] == beside:
        verdict = CONTROL
    elif known and beside == reference:
        verdict = verdict_on_time(estimate_in(times, "time_ratio", num))
    return {
        **times,
        "time_rounds": num,
        "time_reference": beside if known else None,
        "time_verdict": verdict,
        "timing_valid": bool(cells["timing_valid"].dropna().all()),
        "time_left_out": left_out,
    }


def _doubts(row: dict[str, Any]) -> str:
    if pd.isna(row["time_ratio"]):
        return ""
    marks = []
    if pd.isna(row["time_verdict"]) and not pd.isna(row["time_reference"]):
        marks.append(f"beside {row['time_reference']}")
    if not pd.isna(row["time_mixed"]):
        marks.append(str(row["time_mixed"]).partition(",")[0])
    if row["time_disturbed"]:
        marks.append("disturbed")
    if not row["timing_valid"]:
        marks.append("not alone on the machine")
    return ", ".join(marks)


def _is_off(control: dict[str, Any]) -> bool:
    """Return whether the interval of a control's ratio, where it can be believed, excludes 1."""
    excludes = control["time_ratio_low"] > 1 or control["time_ratio_high"] < 1  # of NaN it is neither
    return bool(excludes) and control["time_rounds"] >= FEWEST


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
