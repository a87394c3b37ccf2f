"""The verdict on a program that passed every check: its numbers beside the parent's, and what they allow to be said."""

from __future__ import annotations

from typing import Any

import numpy as np

from eplb_variants.loads import FloatArray
from evaluator.analysis.columns import HEADLINE, METRICS, OWN_HEADLINE, TIMES
from evaluator.analysis.paired import TIME_WORDS, paired
from evaluator.analysis.score import Score
from evaluator.analysis.statistics import estimate_in
from evaluator.analysis.times import is_off, verdict_on_times
from evaluator.candidates.judging import schema
from evaluator.candidates.judging.trial import Trial


def judged_columns(trial: Trial, parent: Trial, score: Score, times: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a row that say how a program compares with its parent on the same windows.

    Args:
        trial: of the program.
        parent: of its parent, on the same windows.
        score: computed for both.
        times: columns of the timing pass, the parent being the time reference, and of its control; empty where times
            were not taken.
    """
    row: dict[str, Any] = {}
    for name, metric in METRICS.items():
        own_W, base_W = _by_window(trial, name), _by_window(parent, name)
        difference = paired([[own_W]], [[base_W]], metric).difference
        values = {
            name: _mean(own_W),
            f"{name}_parent": _mean(base_W),
            f"{name}_difference": difference.value,
            f"{name}_difference_low": difference.low,
            f"{name}_difference_high": difference.high,
        }
        row |= {column: None if np.isnan(value) else float(value) for column, value in values.items()}
    return row | {
        "verdict": _verdict(trial, parent),
        "time_verdict": _time_verdict(times),
        "checked_loads": trial.checked_loads,
        "repeats": bool(trial.repeats),
        "windows": len(trial.rows),
        "score": score.of_numbers({**{name: row[name] for name in METRICS}, **_own_times(times)}),
        "score_parent": score.of_numbers({**{name: row[f"{name}_parent"] for name in METRICS}, **_base_times(times)}),
        "next_by_window": [r.get(HEADLINE) for r in trial.rows],
        "next_by_window_parent": [r.get(HEADLINE) for r in parent.rows],
    }


def _verdict(trial: Trial, parent: Trial) -> str:
    if all(np.array_equal(a, b) for a, b in zip(trial.placements, parent.placements, strict=True)):
        return schema.IDENTICAL
    for name in (HEADLINE, OWN_HEADLINE):  # the own window where no window has a next one
        own_W, base_W = _by_window(trial, name), _by_window(parent, name)
        if not np.isnan([own_W, base_W]).all():
            said = paired([[own_W]], [[base_W]], METRICS[name]).verdict
            return said if said in (schema.BETTER, schema.WORSE) else schema.NO_DIFFERENCE
    return schema.NO_DIFFERENCE


def _time_verdict(times: dict[str, Any]) -> str | None:
    if not times:
        return None
    rounds = times["timing_rounds"]
    believed = times["timing_valid"] and times["timing_has_core"]
    if schema.CONTROL[0] in times:
        believed &= not is_off(estimate_in(times, schema.CONTROL[0], rounds))
    said = verdict_on_times(estimate_in(times, "time_ratio", rounds), believed=believed)
    return None if said is None else TIME_WORDS.get(said, said)


def _own_times(times: dict[str, Any]) -> dict[str, float | None]:
    return {name: times.get(name) for name in TIMES}


def _base_times(times: dict[str, Any]) -> dict[str, float | None]:
    """Return the parent's times: it is what ratios are to, and took the program's time divided by the ratio."""
    if not times:
        return _own_times(times)
    ratios = dict.fromkeys(("time_ratio", "time_ratio_low", "time_ratio_high"), 1.0)
    return {**_own_times(times), "place_seconds": times["place_seconds"] / times["time_ratio"], **ratios}


def _by_window(trial: Trial, name: str) -> FloatArray:
    return np.array([row.get(name) for row in trial.rows], dtype=float)


def _mean(values_W: FloatArray) -> float:
    known = values_W[~np.isnan(values_W)]
    return float(known.mean()) if known.size else float("nan")
