"""Summaries as tables on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from evaluator.compare.summary import HEADLINE
from evaluator.statistics import BETTER, WORSE

COLOURS = {BETTER: "green", WORSE: "red", "faster": "green", "slower": "red"}
MISSING = "-"
PAD = 1
"""Spaces after a cell; the box adds one more between two columns, and one at each end."""


class Column(NamedTuple):
    """A column: its title, and what it says of a row of the summary."""

    title: str
    cell: Callable[[pd.Series], str]
    importance: int
    """Columns of low importance are left out where the terminal is narrow; 0 always stays."""


def summary_table(summary: pd.DataFrame, reference: str, title: str, width: int, score: str | None = None) -> Table:
    """Return the summary as a table of at most ``width`` characters, if leaving out columns can do it.

    Args:
        summary: as ``summarise`` returns it.
        reference: what its differences are to.
        title: which load this is.
        width: of the terminal.
        score: name of the score in the column ``score``.
    """
    columns = columns_of(summary, reference, score)
    texts = {column.title: [column.cell(row) for _, row in summary.iterrows()] for column in columns}
    columns = _that_fit(columns, texts, width)
    table = Table(
        title=escape(title),
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, PAD, 0, 0),
        caption=escape(caption_of(summary, reference)),
        caption_justify="left",
    )
    for column in columns:
        table.add_column(escape(column.title), justify="left" if column.title in ("variant", "verdict") else "right")
    for number in range(len(summary)):
        table.add_row(*[_coloured(texts[column.title][number]) for column in columns])
    return table


def caption_of(summary: pd.DataFrame, reference: str) -> str:
    """Return what the numbers of a summary are means of, and what their intervals are over."""
    judged = "the next window" if summary[HEADLINE].notna().any() else "the same window"
    return (
        f"balancedness of GPUs on {judged}, mean of {int(summary['windows'].max())} windows (1 is perfect); "
        f"difference to {reference} on the same windows, with its 95% interval {_over(summary)}"
    )


def columns_of(summary: pd.DataFrame, reference: str, score: str | None) -> list[Column]:
    """Return the columns for which a summary has values; arguments as of ``summary_table``."""
    has_next = summary[HEADLINE].notna().any()
    headline = "next" if has_next else "own"

    def verdict(row: pd.Series) -> str:
        return "reference" if row["variant"] == reference else str(row["verdict"])

    columns = [
        Column("variant", _name, 0),
        Column(headline, lambda row: _number(row[f"balancedness_gpu_{headline}"]), 0),
        Column(f"vs {reference}", lambda row: MISSING if row["variant"] == reference else _difference(row), 0),
        Column("verdict", verdict, 0),
    ]
    if has_next:
        columns.append(Column("own", lambda row: _number(row["balancedness_gpu_own"]), 3))
    columns.append(Column("moved", lambda row: _share(row["moved_slots"]), 2))
    columns.append(Column("local groups", lambda row: _share(row["group_locality"]), 4))
    columns.append(Column("co-located", lambda row: _share(row["colocated_replicas"]), 6))
    if summary["place_seconds"].notna().any():
        columns.append(Column("ms", lambda row: _milliseconds(row["place_seconds"]), 5))
        columns.append(Column(f"time / {_only(summary['time_reference'])}", _ratio, 1))
    if score is not None and "score" in summary:
        columns.append(Column(f"score {score}", lambda row: _number(row["score"]), 7))
    return columns


def _name(row: pd.Series) -> str:
    return str(row["variant"]) if row["complete"] else f"{row['variant']} ({row['windows']} windows)"


def _over(summary: pd.DataFrame) -> str:
    traces, strata = int(summary["traces"].max()), int(summary["strata"].max())
    if traces > strata:
        return f"over {traces} traces and their windows"
    return "over the windows of this one trace" if traces == 1 else f"over the windows of these {traces} traces"


def _that_fit(columns: list[Column], texts: dict[str, list[str]], width: int) -> list[Column]:
    def needed(kept: list[Column]) -> int:
        return sum(max(len(text) for text in (c.title, *texts[c.title])) + PAD + 1 for c in kept) + 1

    kept = list(columns)
    while needed(kept) > width and any(c.importance for c in kept):
        kept.remove(max(kept, key=lambda column: column.importance))
    return kept


def _only(values: pd.Series) -> str:
    names = values.dropna().unique()
    return str(names[0]) if len(names) == 1 else "reference"


def _number(value: float) -> str:
    return MISSING if pd.isna(value) else f"{value:.4f}"


def _share(value: float) -> str:
    return MISSING if pd.isna(value) else f"{value:.0%}"


def _milliseconds(seconds: float) -> str:
    return MISSING if pd.isna(seconds) else f"{seconds * 1e3:.3g}"


def _difference(row: pd.Series) -> str:
    if pd.isna(row["difference"]):
        return MISSING
    if pd.isna(row["difference_low"]):
        return f"{row['difference']:+.4f}"
    return f"{row['difference']:+.4f} [{row['difference_low']:+.4f}, {row['difference_high']:+.4f}]"


def _ratio(row: pd.Series) -> str:
    if pd.isna(row["time_ratio"]):
        return MISSING
    words = {BETTER: "faster", WORSE: "slower"}.get(row["time_verdict"], "~")
    doubt = "" if row["timing_valid"] else " (not alone on the machine)"
    return f"{row['time_ratio']:.2f} [{row['time_ratio_low']:.2f}, {row['time_ratio_high']:.2f}] {words}{doubt}"


def _coloured(text: str) -> str:
    colour = COLOURS.get(text.rpartition(" ")[2])
    return f"[{colour}]{escape(text)}[/]" if colour else escape(text)
