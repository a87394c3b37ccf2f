"""What a search is told of a program: one finite score, a verdict, and words that hold nothing of the inputs."""

from __future__ import annotations

import math
from typing import Any

from evaluator.analysis.columns import HEADLINE
from evaluator.candidates.judging import schema
from evaluator.candidates.judging.feedback import feedback

Answer = dict[str, Any]
ANSWER_VERSION = 1
"""Raised when a key of an answer changes its meaning."""
JUDGED, LATE, UNUSABLE, LOST, REFUSED = "judged", "late", "unusable", "lost", "refused"
KINDS = {
    JUDGED: "the program was judged; `correct` says whether it is valid",
    LATE: "the answer was not there by the deadline; what is found later is kept, so ask again",
    UNUSABLE: "the seed program or the workload cannot be judged: nothing can be, and the search should stop",
    LOST: "the scorer broke down; ask again",
    REFUSED: "the question could not be read",
}
"""Kinds of answers; all but the first are the bench's failure, not the program's, and have no score."""
INVALID_SCORE = 0.0
"""Of a program that is not valid: below whatever a valid one can get."""
REJECTED_OUTSIDE = "it differs from the seed program outside the EVOLVE-BLOCKs"


def failure(kind: str, message: str) -> Answer:
    """Return the answer where the bench could not judge: it has no score that anybody could keep."""
    return {"version": ANSWER_VERSION, "kind": kind, "message": message}


def rejected(key: str, why: str) -> Answer:
    """Return the answer on what is not tried at all."""
    return _answer(key, schema.REJECTED, INVALID_SCORE, f"not tried: {why}", {}, {})


def answer_on(key: str, row: dict[str, Any], baseline: float) -> Answer:
    """Return the answer on a judged program.

    Args:
        key: of the program.
        row: under the names of the columns of the judge's ``schema``.
        baseline: what the seed program reaches on the training part, in balancedness of GPUs on the next window.

    ``combined_score`` is the baseline where there is no difference to the seed program, and the baseline with the mean
    difference where it is better or worse; it depends on nothing that was judged before. It is 0 where the program is
    not valid.
    """
    verdict = row["verdict"]
    told = feedback(row)["text"]
    if verdict in (schema.INVALID, schema.TIMED_OUT):
        return _answer(key, verdict, INVALID_SCORE, told, {}, {"check": row["check"]})
    difference = row.get(f"{HEADLINE}_difference") or 0.0
    counts = verdict in (schema.BETTER, schema.WORSE) and math.isfinite(difference)
    score = baseline + (difference if counts else 0.0)
    metrics = {"seed": baseline, "difference": difference}
    for end in ("low", "high"):
        metrics[f"difference_{end}"] = row.get(f"{HEADLINE}_difference_{end}")
    for name in ("balancedness_gpu_own", "moved_slots"):
        metrics[name] = row.get(name)
    more = {"stage": row["stage"], "repeats": row["repeats"], "portable": row["portable"]}
    if row.get("time_ratio") is not None:
        metrics |= {"time_ratio": row["time_ratio"]}
        more |= {"time_verdict": row["time_verdict"]}
    text = ". ".join([told, *_by_window(row), *_given_up(row)])
    finite = {name: float(value) for name, value in metrics.items() if value is not None and math.isfinite(value)}
    return _answer(key, verdict, score, text, finite, more)


def _answer(key: str, verdict: str, score: float, text: str, metrics: dict[str, float], more: dict[str, Any]) -> Answer:
    is_correct = verdict not in (schema.REJECTED, schema.INVALID, schema.TIMED_OUT)
    return {
        "version": ANSWER_VERSION,
        "kind": JUDGED,
        "program": key,
        "correct": is_correct,
        "verdict": verdict,
        "combined_score": max(score, 1e-6) if is_correct else score,
        "metrics": metrics,
        "feedback": text,
        **more,
    }


def _given_up(row: dict[str, Any]) -> list[str]:
    return ["given up after the first windows of every trace"] if row["stage"] == schema.FIRST_WINDOWS else []


def _by_window(row: dict[str, Any]) -> list[str]:
    """Return where a program gained and lost most beside the seed program, in words."""
    own, seeds = row.get("next_by_window"), row.get("next_by_window_parent")
    if row["verdict"] == schema.IDENTICAL or own is None or seeds is None or len(own) != len(seeds):
        return []
    found = [
        (one - other, number, one, other)
        for number, (one, other) in enumerate(zip(own, seeds, strict=True))
        if one is not None and other is not None and math.isfinite(one - other)
    ]
    if not found:
        return []
    most, least = max(found), min(found)
    words = [f"it beats the seed program in {sum(d > 0 for d, *_ in found)} of {len(found)} windows"]
    if most[0] > 0:
        words.append(f"most by {most[0]:.4f} ({most[2]:.4f} against {most[3]:.4f})")
    if least[0] < 0:
        words.append(f"it loses most by {-least[0]:.4f} ({least[2]:.4f} against {least[3]:.4f})")
    return [", ".join(words)]
