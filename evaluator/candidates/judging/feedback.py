"""What is said back to the model that wrote a candidate: useful, and nothing that it could hide data in.

Feedback is put together from words and numbers of our own: verdict, name of the check, shapes, metrics. It holds no
input, no output of the program, and no text that the program could choose, such as the message or type of an exception
of its own.
"""

from __future__ import annotations

import builtins
import re
from typing import Any

from evaluator.analysis.statistics import BETTER, estimate_in
from evaluator.analysis.times import is_off, verdict_on_times
from evaluator.candidates.judging import schema
from evaluator.candidates.judging.checks import ANSWER, LOCALITY, LOG2PHY, LOGCNT, PHY2LOG, STATE
from evaluator.candidates.sandbox.failure import CRASHED, KILLED

OF_ITS_OWN = "an exception of its own"
KNOWN_ERRORS = {
    name: name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException) and not issubclass(value, Warning)
}
"""What is said of an exception, by the name of its type: that of a type of Python's own. All others are one class."""
_CRASHED = re.compile(rf"{re.escape(CRASHED)}: (?P<type>\S*)")

ADVICE = {
    ANSWER: "rebalance_experts did not return an answer",
    PHY2LOG: "phy2log must be integers [layers, num_replicas] in range, with every logical expert at least once",
    LOGCNT: "logcnt must equal the counts of each expert in phy2log",
    LOG2PHY: "log2phy must list exactly the slots of each expert, padded with -1 at the end",
    LOCALITY: "where num_groups divides over num_nodes, all replicas of a group's experts must be on one node",
    STATE: "a placement must be made for the load of the call: here it was one made for an earlier load",
}
SHOWN = ("balancedness_gpu_next", "balancedness_gpu_own", "moved_slots", "group_locality", "colocated_replicas")


def feedback(row: dict[str, Any]) -> dict[str, Any]:
    """Return what may be told of a judged program.

    Args:
        row: under the names of the columns of ``schema``.
    """
    told: dict[str, Any] = {"verdict": row["verdict"]}
    if row["verdict"] in (schema.INVALID, schema.TIMED_OUT):
        told |= {"check": row["check"], "load": row["check_load"], "text": _failure(row)}
        return told
    metrics = {
        name: {key: row[f"{name}{suffix}"] for key, suffix in _SUFFIXES.items()}
        for name in SHOWN
        if row.get(name) is not None
    }
    told |= {"metrics": metrics, "repeats": row["repeats"], "score": row["score"], "score_parent": row["score_parent"]}
    if row.get("time_ratio") is not None:
        told["time"] = {
            "ratio": row["time_ratio"],
            "low": row["time_ratio_low"],
            "high": row["time_ratio_high"],
            "verdict": row["time_verdict"],
        }
    told["text"] = _outcome(row)
    return told


_SUFFIXES = {
    "candidate": "",
    "parent": "_parent",
    "difference": "_difference",
    "low": "_difference_low",
    "high": "_difference_high",
}


def _failure(row: dict[str, Any]) -> str:
    text = f"{ADVICE[row['check']]}; this failed on the load {row['check_load']!r}"
    if row["verdict"] == schema.TIMED_OUT:
        return f"no answer within the time limit on the load {row['check_load']!r}"
    detail = str(row["detail"])
    if row["check"] == ANSWER and (crashed := _CRASHED.match(detail)) is not None:
        return f"{text}: it raised {KNOWN_ERRORS.get(crashed['type'].removesuffix(':'), OF_ITS_OWN)}"
    if row["check"] == ANSWER and detail.startswith(KILLED):
        return f"{text}: the process ended; it may have exceeded its memory or CPU time, or exited"
    return text


def _why_no_time(row: dict[str, Any]) -> str:
    """Return why a program that was timed has no verdict on its time."""
    if row["detail"] == schema.LEAN:
        return f"for {schema.LEAN}"
    if not row["timing_valid"]:
        return "for others were timed on this machine meanwhile"
    if not row["timing_has_core"]:
        return "for its calls waited, or did not have their core"
    ratio = estimate_in(row, "time_ratio", row["timing_rounds"])
    control = estimate_in(row, schema.CONTROL[0], row["timing_rounds"])
    if is_off(control):
        return f"for the parent beside itself took {control.text('.2f')} of its own time"
    if verdict_on_times(ratio) == BETTER:
        work = f"the {row[schema.OWN_WORK] * 1e3:.2g} ms of a call that are the judge's own work in the process"
        return f"for it is quicker by less than {work}, which a program could spare itself"
    return "which is too uncertain"


def _outcome(row: dict[str, Any]) -> str:
    if row["verdict"] == schema.IDENTICAL:
        text = "the placements are the parent's on all loads that both were asked about: the change has no effect here"
    else:
        name = "balancedness_gpu_next" if row.get("balancedness_gpu_next") is not None else "balancedness_gpu_own"
        text = (
            f"{row['verdict']} than the parent"
            if row["verdict"] in (schema.BETTER, schema.WORSE)
            else "no difference to the parent"
        )
        text += f" in {name}: {row[name]:.4f} against {row[f'{name}_parent']:.4f}"
    if row.get("time_ratio") is not None and row["time_verdict"] is None:
        text += f"; nothing can be said of its time, {_why_no_time(row)}"
    elif row.get("time_ratio") is not None:
        text += f"; it takes {row['time_ratio']:.2f} times the parent's time"
    if row.get("fails_on"):
        text += f"; on other topologies it fails: {row['fails_on']}"
    if row["repeats"] is False:
        text += "; two calls gave different placements: seed random numbers, do not go by the order of a set or by id()"
    return text
