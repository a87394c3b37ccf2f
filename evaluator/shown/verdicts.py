"""Verdicts as a table on a terminal."""

from __future__ import annotations

from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from evaluator.analysis.statistics import estimate_in
from evaluator.candidates.judging.schema import BETTER, INVALID, REJECTED, TIMED_OUT, WORSE

COLOURS = {BETTER: "green", WORSE: "red", INVALID: "red", TIMED_OUT: "red", REJECTED: "red"}
MISSING = "-"


def verdict_table(said: list[dict[str, Any]], width: int) -> Table:
    """Return a line per document; the least important columns are left out where the terminal is narrow."""
    table = Table(
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        caption="next: balancedness of GPUs on the next window; vs parent: paired difference with its 95% interval",
        caption_justify="left",
    )
    titles = ["candidate", "verdict", "next", "vs parent", "time / parent", "repeats", "score", "parent's", "same as"]
    shown = titles if width >= 130 else titles[:5]
    for title in shown:
        table.add_column(title, justify="left" if title in ("candidate", "verdict", "same as") else "right")
    for line in said:
        table.add_row(*_cells(line)[: len(shown)])
    return table


def _cells(line: dict[str, Any]) -> list[str]:
    verdict = line["verdict"]
    colour = COLOURS.get(verdict)
    repeats = line.get("repeats")
    return [
        escape(str(line["candidate"])),
        f"[{colour}]{verdict}[/]" if colour else verdict,
        _number(line.get("balancedness_gpu_next")),
        _interval(line, "balancedness_gpu_next_difference", "+.4f"),
        _interval(line, "time_ratio", ".2f"),
        MISSING if repeats is None else ("yes" if repeats else "no"),
        _number(line.get("score")),
        _number(line.get("score_parent")),
        escape(str(line["same_as"] or "")),
    ]


def _number(value: Any) -> str:
    return MISSING if value is None or pd.isna(value) else f"{value:.4f}"


def _interval(line: dict[str, Any], name: str, form: str) -> str:
    return MISSING if line.get(name) is None else estimate_in(line, name).text(form)
