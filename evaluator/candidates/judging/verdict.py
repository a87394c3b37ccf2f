"""The verdict on a program that passed every check: its numbers beside the parent's, and what they allow to be said."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from evaluator.analysis.columns import HEADLINE, METRICS, TIMES
from evaluator.analysis.paired import TIME_WORDS, paired
from evaluator.analysis.score import Score
from evaluator.analysis.statistics import BETTER, UNSURE, Estimate, Traces, estimate_in, in_columns, mean_of_series
from evaluator.analysis.times import is_off, verdict_on_times
from evaluator.candidates.judging import schema
from evaluator.candidates.judging.alike import same_where_both
from evaluator.candidates.judging.stages import as_far, compared, is_confirmed
from evaluator.candidates.judging.trial import Replays, Trial, by_trace


def judged_columns(trial: Trial, parent: Trial) -> dict[str, Any]:
    """Return the columns of a row that say how a program compares with its parent on the same windows.

    Where it places as its parent does, its numbers are the parent's: it broke ties otherwise in labels of its own.

    Args:
        trial: of the program, on the training part.
        parent: of its parent, on the same windows.
    """
    row: dict[str, Any] = {}
    alike = _is_alike(trial, parent)
    for name, metric in METRICS.items():
        own = by_trace(parent.replays if alike else trial.replays, name)
        base = as_far(by_trace(parent.replays, name), own)
        values = {
            name: mean_of_series(own).value,
            f"{name}_parent": mean_of_series(base).value,
            **in_columns(paired(own, base, metric).difference, f"{name}_difference"),
        }
        row |= {column: _known(value) for column, value in values.items()}
        if name == HEADLINE:
            row |= {"next_by_window": _in_a_row(own), "next_by_window_parent": _in_a_row(base)}
    verdict = _verdict(trial, parent)
    return row | {
        "verdict": schema.IDENTICAL if alike else verdict if verdict in schema.VERDICTS else schema.NO_DIFFERENCE,
        "detail": schema.TOO_FEW if verdict == UNSURE and not alike else None,
        "stage": schema.FIRST_WINDOWS if trial.given_up else schema.TRAINING,
        "checked_loads": trial.passed.loads,
        "portable": not trial.passed.fails_on,
        "fails_on": ", ".join(trial.passed.fails_on) or None,
        "repeats": trial.repeats,
        "traces": sum(map(len, trial.replays)),
        "windows": sum(len(one.rows) for stratum in trial.replays for one in stratum),
    }


def scored_columns(row: dict[str, Any], score: Score, times: dict[str, Any], *, lean: bool = False) -> dict[str, Any]:
    """Return the columns that may need times: the verdict on them and the scores of a program and its parent.

    Args:
        row: with the columns of ``judged_columns``.
        score: computed for both.
        times: columns of the timing pass, the parent being the time reference, and of its control; empty where times
            were not taken.
        lean: whether it did without part of its parent's work: then nothing is said of its time, and it is scored as
            if it took its parent's, where it took less.
    """
    quicker = lean and bool(times) and times["time_ratio"] < 1
    own_times = _base_times(times) if quicker else _own_times(times)
    return {
        "time_verdict": None if lean else _time_verdict(times),
        "score": score.of_numbers({**{name: row[name] for name in METRICS}, **own_times}),
        "score_parent": score.of_numbers({**{name: row[f"{name}_parent"] for name in METRICS}, **_base_times(times)}),
    }


def held_out_columns(replays: Replays, parent: Replays) -> dict[str, Any]:
    """Return the columns on the held-out part, on which a program and its parent placed the same windows."""
    found = compared(partial(by_trace, replays), partial(by_trace, parent))
    return {
        "stage": schema.HELD_OUT,
        "confirmed": is_confirmed(found),
        "held_out_traces": sum(map(len, replays)),
        **in_columns(found.difference, "held_out_difference"),
    }


def _in_a_row(values: Traces) -> list[float | None]:
    return [_known(value) for stratum in values for trace in stratum for value in trace]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _is_alike(trial: Trial, parent: Trial) -> bool:
    """Return whether a program places as its parent does; what it does then differs by the labels that it got alone.

    It must on all that both were asked about alike, repeat itself where its parent does, and be no better and no worse.
    """
    if trial.given_up or trial.repeats != parent.repeats:
        return False
    return same_where_both(trial.marks, parent.marks) and _verdict(trial, parent) not in (schema.BETTER, schema.WORSE)


def _verdict(trial: Trial, parent: Trial) -> str:
    return compared(partial(by_trace, trial.replays), partial(by_trace, parent.replays)).verdict


def _time_verdict(times: dict[str, Any]) -> str | None:
    if not times:
        return None
    rounds = times["timing_rounds"]
    believed = times["timing_valid"] and times["timing_has_core"]
    if schema.CONTROL[0] in times:
        believed &= not is_off(estimate_in(times, schema.CONTROL[0], rounds))
    ratio = estimate_in(times, "time_ratio", rounds)
    said = verdict_on_times(ratio, believed=believed)
    if said == BETTER and verdict_on_times(with_own_work(ratio, times)) != BETTER:
        return None
    return None if said is None else TIME_WORDS.get(said, said)


def with_own_work(ratio: Estimate, times: dict[str, Any]) -> Estimate:
    """Return what the ratio of a program's time would be if it had spared itself the judge's own work in a call."""
    work = times.get(schema.OWN_WORK) or 0.0
    more = work * ratio.value / times["place_seconds"]  # over the parent's time
    return ratio._replace(value=ratio.value + more, low=ratio.low + more, high=ratio.high + more)


def _own_times(times: dict[str, Any]) -> dict[str, float | None]:
    return {name: times.get(name) for name in TIMES}


def _base_times(times: dict[str, Any]) -> dict[str, float | None]:
    """Return the parent's times: it is what ratios are to, and took the program's time divided by the ratio."""
    if not times:
        return _own_times(times)
    ratios = dict.fromkeys(("time_ratio", "time_ratio_low", "time_ratio_high"), 1.0)
    return {**_own_times(times), "place_seconds": times["place_seconds"] / times["time_ratio"], **ratios}
