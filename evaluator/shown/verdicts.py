"""Verdicts on candidates as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evaluator.shown.grid import Grid
from evaluator.shown.words import DOUBT, MISSING, interval_of, number, yes_or_no

HEADER = (
    "candidate",
    "verdict",
    "confirmed",
    "next",
    "vs parent",
    "held out",
    "time / parent",
    "repeats",
    "score",
    "parent's",
    "same as",
)
IMPORTANCE = (0, 0, 0, 2, 0, 3, 1, 6, 5, 5, 4)
ALWAYS = {HEADER.index(name) for name in ("candidate", "verdict", "vs parent")}
EMPTY = {MISSING, ""}
CAPTION = (
    "next: balancedness of GPUs on the next window\n"
    "vs parent: difference to the parent on the same windows, with its 95% interval"
)
HELD_OUT = "confirmed: whether better in training is better on the held-out part, too"

DOUBTFUL = f"{DOUBT}: no verdict on this time: it was disturbed, or its interval holds both equality and 5%"


def verdict_grid(said: Sequence[dict[str, Any]]) -> Grid:
    """Return a row per document; ``said`` has what the columns of a judged program have, by their names.

    A column that says nothing of any document, such as times where none were taken, is not there.
    """
    cells = [_cells(line) for line in said]
    kept = [c for c in range(len(HEADER)) if c in ALWAYS or {row[c] for row in cells} - EMPTY]
    header = [HEADER[c] for c in kept]
    caption = [CAPTION, HELD_OUT] if "confirmed" in header else [CAPTION]
    caption += [DOUBTFUL] if any(map(_is_doubtful, said)) else []
    return Grid(
        "",
        header,
        [[row[c] for c in kept] for row in cells],
        frozenset({"candidate", "verdict", "confirmed", "same as"}),
        "\n".join(caption),
        [IMPORTANCE[c] for c in kept],
        elsewhere="--json",
    )


def _is_doubtful(line: dict[str, Any]) -> bool:
    """Return whether times were taken that do not allow anything to be said."""
    return line.get("time_ratio") is not None and line.get("time_verdict", "") is None


def _cells(line: dict[str, Any]) -> list[str]:
    return [
        str(line["candidate"]),
        str(line["verdict"]),
        yes_or_no(line.get("confirmed")),
        number(line.get("balancedness_gpu_next")),
        interval_of(line, "balancedness_gpu_next_difference", "+.4f"),
        interval_of(line, "held_out_difference", "+.4f"),
        f"{interval_of(line, 'time_ratio', '.2f')} {DOUBT if _is_doubtful(line) else ''}".strip(),
        yes_or_no(line.get("repeats")),
        number(line.get("score")),
        number(line.get("score_parent")),
        str(line["same_as"] or ""),
    ]
