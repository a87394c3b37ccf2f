"""Verdicts on candidates as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evaluator.shown.grid import Grid
from evaluator.shown.words import MISSING, interval_of, number

HEADER = ("candidate", "verdict", "next", "vs parent", "time / parent", "repeats", "score", "parent's", "same as")
IMPORTANCE = (0, 0, 2, 0, 1, 5, 4, 4, 3)
CAPTION = (
    "next: balancedness of GPUs on the next window\n"
    "vs parent: difference to the parent on the same windows, with its 95% interval"
)


def verdict_grid(said: Sequence[dict[str, Any]]) -> Grid:
    """Return a row per document; ``said`` has what the columns of a judged program have, by their names."""
    rows = [_cells(line) for line in said]
    left = frozenset({"candidate", "verdict", "same as"})
    return Grid("", HEADER, rows, left, CAPTION, IMPORTANCE, elsewhere="--json")


def _cells(line: dict[str, Any]) -> list[str]:
    repeats = line.get("repeats")
    return [
        str(line["candidate"]),
        str(line["verdict"]),
        number(line.get("balancedness_gpu_next")),
        interval_of(line, "balancedness_gpu_next_difference", "+.4f"),
        interval_of(line, "time_ratio", ".2f"),
        MISSING if repeats is None else ("yes" if repeats else "no"),
        number(line.get("score")),
        number(line.get("score_parent")),
        str(line["same_as"] or ""),
    ]
