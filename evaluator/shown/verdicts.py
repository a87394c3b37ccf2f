"""Verdicts on candidates as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evaluator.shown.grid import Grid
from evaluator.shown.words import DOUBT, MISSING, interval_of, number

HEADER = ("candidate", "verdict", "next", "vs parent", "time / parent", "repeats", "score", "parent's", "same as")
IMPORTANCE = (0, 0, 2, 0, 1, 5, 4, 4, 3)
EMPTY = {MISSING, ""}
CAPTION = (
    "next: balancedness of GPUs on the next window\n"
    "vs parent: difference to the parent on the same windows, with its 95% interval"
)

DOUBTFUL = f"{DOUBT}: no verdict on this time: it was disturbed, or its interval holds both equality and 5%"


def verdict_grid(said: Sequence[dict[str, Any]]) -> Grid:
    """Return a row per document; ``said`` has what the columns of a judged program have, by their names.

    A column that says nothing of any document, such as times where none were taken, is not there.
    """
    cells = [_cells(line) for line in said]
    kept = [c for c, importance in enumerate(IMPORTANCE) if importance == 0 or {row[c] for row in cells} - EMPTY]
    return Grid(
        "",
        [HEADER[c] for c in kept],
        [[row[c] for c in kept] for row in cells],
        frozenset({"candidate", "verdict", "same as"}),
        "\n".join([CAPTION, *([DOUBTFUL] if any(map(_is_doubtful, said)) else [])]),
        [IMPORTANCE[c] for c in kept],
        elsewhere="--json",
    )


def _is_doubtful(line: dict[str, Any]) -> bool:
    """Return whether times were taken that do not allow anything to be said."""
    return line.get("time_ratio") is not None and line.get("time_verdict", "") is None


def _cells(line: dict[str, Any]) -> list[str]:
    repeats = line.get("repeats")
    return [
        str(line["candidate"]),
        str(line["verdict"]),
        number(line.get("balancedness_gpu_next")),
        interval_of(line, "balancedness_gpu_next_difference", "+.4f"),
        f"{interval_of(line, 'time_ratio', '.2f')} {DOUBT if _is_doubtful(line) else ''}".strip(),
        MISSING if repeats is None else ("yes" if repeats else "no"),
        number(line.get("score")),
        number(line.get("score_parent")),
        str(line["same_as"] or ""),
    ]
