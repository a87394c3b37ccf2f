"""Summaries, aggregates and views as tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd
from rich.table import Table

from evaluator.analysis.columns import HEADLINE
from evaluator.analysis.paired import TIME_WORDS
from evaluator.analysis.pareto import on_front
from evaluator.analysis.statistics import SAME, UNSURE, estimate_in
from evaluator.analysis.summary import notes_on
from evaluator.analysis.times import time_reference_of
from evaluator.analysis.views import BY_WINDOW, pivot
from evaluator.shown.grid import MISSING, Grid, fitting

LEFT = frozenset({"variant", "verdict", "front"})
ON_FRONT = "*"
FRONT_MEANS = (
    f"{ON_FRONT}: no other variant is really better in balancedness, time or moved slots "
    "without being really worse in another"
)
"""Of a mark in the column ``front``."""
MOST_ROWS = 64
"""Windows or layers shown one by one; a model has as many layers."""


class Column(NamedTuple):
    """A column: its title, and what it says of a row of the summary."""

    title: str
    cell: Callable[[pd.Series], str]
    importance: int
    """Columns of low importance (a high number) are left out where the terminal is narrow; 0 always stays."""


def summary_table(summary: pd.DataFrame, reference: str, title: str, width: int, score: str | None = None) -> Table:
    """Return the summary as a table of at most ``width`` characters, if leaving out columns can do it.

    Args:
        summary: as ``summarise`` returns it.
        reference: what its differences are to.
        title: which load this is.
        width: of the terminal.
        score: name of the score in the column ``score``.
    """
    return summary_grid(summary, reference, title, width, score).to_rich()


def summary_grid(summary: pd.DataFrame, reference: str, title: str, width: int, score: str | None = None) -> Grid:
    """Return the texts of ``summary_table``."""
    marked = summary.assign(front=on_front(summary))
    columns = columns_of(marked, reference, score)
    rows = [[column.cell(row) for column in columns] for _, row in marked.iterrows()]
    header = [column.title for column in columns]
    kept = fitting(header, rows, [column.importance for column in columns], width)
    caption = caption_of(summary, reference)
    if "front" in [header[column] for column in kept]:
        caption += f"; {FRONT_MEANS}"
    return Grid(title, [header[c] for c in kept], [[row[c] for c in kept] for row in rows], LEFT, caption)


def aggregate_grid(aggregates: pd.DataFrame, reference: str, title: str) -> Grid:
    """Return aggregates, as ``aggregate`` returns them, as texts."""
    header = ["variant", "interquartile mean", f"vs {reference}", "optimality gap"]
    rows = [
        [
            str(row["variant"]),
            _interval(row, "iqm", ".4f"),
            MISSING if row["variant"] == reference else _interval(row, "iqm_difference", "+.4f"),
            _interval(row, "gap", ".4f"),
        ]
        for _, row in aggregates.iterrows()
    ]
    cells, strata = int(aggregates["cells"].max()), int(aggregates["strata"].max())
    caption = (
        f"of the mean balancedness of {cells} cells on {strata} workloads and topologies; 95% intervals over traces "
        f"and their windows; the gap is what the mean cell lacks to perfect balance"
    )
    return Grid(title, header, rows, LEFT, caption)


def view_grid(view: pd.DataFrame, by: str, reference: str, title: str, order: list[str], width: int) -> Grid:
    """Return a view, as ``view_of`` returns it, as texts: a row per window or layer, a column per variant.

    Args:
        view: rows of the view.
        by: which.
        reference: what differences are to.
        title: which load this is.
        order: of the variants, the most important first; the last are left out where the terminal is narrow.
        width: of the terminal.
    """
    table = pivot(view, by, order, MOST_ROWS)
    form = "+.4f" if by == BY_WINDOW else ".3f"
    rows = [[str(label), *(_number(value, form) for value in values)] for label, values in table.iterrows()]
    rows.append(["mean", *(_number(value, form) for value in table.mean())])
    header = [by, *map(str, table.columns)]
    kept = fitting(header, rows, range(len(header)), width)
    if by == BY_WINDOW:
        caption = f"difference in balancedness of GPUs to {reference} on each window, mean over the traces that have it"
    else:
        caption = (
            "load of the fullest GPU over the mean of the layer on the pictured window, mean over cells (1 is perfect)"
        )
    if len(kept) < len(header):
        caption += f"; {len(header) - len(kept)} variants do not fit here: --csv FILE has all"
    return Grid(title, [header[c] for c in kept], [[row[c] for c in kept] for row in rows], LEFT, caption)


def caption_of(summary: pd.DataFrame, reference: str) -> str:
    """Return what the numbers of a summary are means of, and what their intervals are over."""
    judged = "the next window" if summary[HEADLINE].notna().any() else "the same window"
    numbers = (
        f"balancedness of GPUs on {judged}, mean of {int(summary['windows'].max())} windows (1 is perfect); "
        f"difference to {reference} on the same windows, with its 95% interval {_over(summary)}"
    )
    return "; ".join([numbers, *notes_on(summary, reference)])


def columns_of(summary: pd.DataFrame, reference: str, score: str | None) -> list[Column]:
    """Return the columns for which a summary has values; arguments as of ``summary_table``."""
    has_next = summary[HEADLINE].notna().any()
    headline = "next" if has_next else "own"

    def verdict(row: pd.Series) -> str:
        return "reference" if row["variant"] == reference else str(row["verdict"])

    def unless_reference(cell: Callable[[pd.Series], str]) -> Callable[[pd.Series], str]:
        return lambda row: MISSING if row["variant"] == reference else cell(row)

    columns = [
        Column("#", lambda row: _number(row["rank"], ".0f"), 3),
        Column("variant", _name, 0),
        Column(headline, lambda row: _number(row[f"balancedness_gpu_{headline}"]), 0),
        Column(f"vs {reference}", unless_reference(lambda row: _interval(row, "difference", "+.4f")), 0),
        Column("verdict", verdict, 0),
        Column("better on", unless_reference(lambda row: _interval(row, "improvement", ".0%")), 5),
    ]
    if "front" in summary:
        columns.append(Column("front", lambda row: ON_FRONT if row["front"] else "", 2))
    if summary["strata"].max() > 1:
        columns.append(Column("mean rank", lambda row: _number(row["mean_rank"], ".2f"), 3))
    if has_next:
        columns.append(Column("own", lambda row: _number(row["balancedness_gpu_own"]), 4))
    columns.append(Column("moved", lambda row: _number(row["moved_slots"], ".0%"), 2))
    columns.append(Column("local groups", lambda row: _number(row["group_locality"], ".0%"), 5))
    columns.append(Column("co-located", lambda row: _number(row["colocated_replicas"], ".0%"), 7))
    if summary["place_seconds"].notna().any():
        columns.append(Column("ms", lambda row: _number(row["place_seconds"] * 1e3, ".3g"), 6))
    if summary["time_ratio"].notna().any():
        columns.append(Column(f"time / {time_reference_of(summary) or 'reference'}", _ratio, 1))
    if score is not None and "score" in summary:
        columns.append(Column(f"score {score}", lambda row: _number(row["score"]), 8))
    return columns


def _name(row: pd.Series) -> str:
    return str(row["variant"]) if row["complete"] else f"{row['variant']} ({row['windows']} windows)"


def _over(summary: pd.DataFrame) -> str:
    traces, strata = int(summary["traces"].max()), int(summary["strata"].max())
    if traces > strata:
        return f"over {traces} traces and their windows"
    return "over the windows of this one trace" if traces == 1 else f"over the windows of these {traces} traces"


def _number(value: float, form: str = ".4f") -> str:
    return MISSING if pd.isna(value) else format(value, form)


def _interval(row: pd.Series, column: str, form: str) -> str:
    return estimate_in(row, column).text(form)


def _ratio(row: pd.Series) -> str:
    if pd.isna(row["time_ratio"]):
        return MISSING
    verdict = "" if pd.isna(row["time_verdict"]) else row["time_verdict"]
    words = {**TIME_WORDS, SAME: "~", UNSURE: "~"}.get(verdict, verdict)
    doubt = "" if pd.isna(row["time_trust"]) else f"({row['time_trust']})"
    return " ".join(filter(None, [_interval(row, "time_ratio", ".2f"), words, doubt]))
