"""Summaries, aggregates and views as tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from evaluator.analysis.columns import HEADLINE
from evaluator.analysis.summary import notes_on
from evaluator.analysis.times import time_reference_of
from evaluator.analysis.views import BY_WINDOW, pivot
from evaluator.shown.grid import Grid
from evaluator.shown.words import DOUBT, MISSING, interval_of, number, over, ratio

LEFT = frozenset({"variant", "verdict", "front"})
ON_FRONT = "*"
FRONT_MEANS = (
    f"{ON_FRONT}: no other variant is really better in balancedness, time or moved slots "
    "without being really worse in another"
)
"""Of a mark in the column ``front``."""
TILES = "in tiles: fullest GPU, tokens of a slot rounded up to whole tiles, over the mean one without, mean of steps"
STEP = "step p95: fullest GPU over the mean one, in the step of a next window that 95% are no worse than"
REMOTE = "remote: share of the tokens that leave the node of their expert's group"
MEMORY = "MiB: the most memory that a placement needed while it was made"
ROOMY = 9
"""Importance of columns for which a page has no room: wide terminals and files have them."""
MOST_ROWS = 64
"""Windows or layers shown one by one; a model has as many layers."""


class TableColumn(NamedTuple):
    """A column: its title, and what it says of a row of the summary."""

    title: str
    cell: Callable[[pd.Series], str]
    importance: int
    """Columns of low importance (a high number) are left out where the terminal is narrow; 0 always stays."""
    note: str = ""
    """Said below the table where the column is shown."""


def summary_grid(summary: pd.DataFrame, reference: str, title: str, score: str | None = None) -> Grid:
    """Return the summary as a table.

    Args:
        summary: as ``summarise`` returns it.
        reference: what its differences are to.
        title: which load this is.
        score: name of the score in the column ``score``.
    """
    columns = columns_of(summary, reference, score)
    return Grid(
        title,
        [column.title for column in columns],
        [[column.cell(row) for column in columns] for _, row in summary.iterrows()],
        LEFT,
        "\n".join(_notes(summary, reference)),
        [column.importance for column in columns],
        notes=[("front", FRONT_MEANS), *((column.title, column.note) for column in columns if column.note)],
    )


def aggregate_grid(aggregates: pd.DataFrame, reference: str, title: str) -> Grid:
    """Return aggregates, as ``aggregate`` returns them, as texts."""
    header = ["variant", "interquartile mean", f"vs {reference}", "optimality gap"]
    rows = [
        [
            str(row["variant"]),
            interval_of(row, "iqm"),
            MISSING if row["variant"] == reference else interval_of(row, "iqm_difference", "+.4f"),
            interval_of(row, "gap"),
        ]
        for _, row in aggregates.iterrows()
    ]
    cells, strata = int(aggregates["cells"].max()), int(aggregates["strata"].max())
    caption = (
        f"of the mean balancedness of {cells} cells on {strata} workloads and topologies; 95% bootstrap intervals over "
        f"traces and their windows"
    )
    notes = [("optimality gap", "optimality gap: what the mean cell lacks to perfect balance")]
    return Grid(title, header, rows, LEFT, caption, (0, 1, 0, 2), notes=notes)


def view_grid(view: pd.DataFrame, by: str, reference: str, title: str, order: list[str]) -> Grid:
    """Return a view, as ``view_of`` returns it, as texts: a row per window or layer, a column per variant.

    Args:
        view: rows of the view.
        by: which.
        reference: what differences are to.
        title: which load this is.
        order: of the variants, the most important first; the last are left out where the terminal is narrow.
    """
    table = pivot(view, by, order, MOST_ROWS)
    form = "+.4f" if by == BY_WINDOW else ".3f"
    rows = [[str(label), *(number(value, form) for value in values)] for label, values in table.iterrows()]
    rows.append(["mean", *(number(value, form) for value in table.mean())])
    header = [by, *map(str, table.columns)]
    if by == BY_WINDOW:
        caption = f"difference in balancedness of GPUs to {reference} on each window, mean over the traces that have it"
    else:
        caption = (
            "load of the fullest GPU over the mean of the layer on the pictured window, mean over cells (1 is perfect)"
        )
    return Grid(title, header, rows, frozenset(), caption, range(len(header)))


def caption_of(summary: pd.DataFrame, reference: str) -> str:
    """Return what the numbers of a summary are means of, what their intervals are over, and what is to be doubted."""
    return "; ".join([*_notes(summary, reference), *filter(None, [_doubt(summary)])])


def _notes(summary: pd.DataFrame, reference: str) -> list[str]:
    has_next = summary[HEADLINE].notna().any()
    headline, judged = ("next", "the next window") if has_next else ("own", "the same window")
    extent = over(int(summary["traces"].max()), int(summary["strata"].max()))
    return [
        f"{headline}: balancedness of GPUs on {judged}, mean of {int(summary['windows'].max())} windows (1 is perfect)",
        f"vs {reference}: difference on the same windows, with its 95% interval {extent}",
        *notes_on(summary, reference),
    ]


def columns_of(summary: pd.DataFrame, reference: str, score: str | None) -> list[TableColumn]:
    """Return the columns for which a summary has values; arguments as of ``summary_table``."""
    has_next = summary[HEADLINE].notna().any()
    headline = "next" if has_next else "own"

    def verdict(row: pd.Series) -> str:
        return "reference" if row["variant"] == reference else str(row["verdict"])

    def unless_reference(cell: Callable[[pd.Series], str]) -> Callable[[pd.Series], str]:
        return lambda row: MISSING if row["variant"] == reference else cell(row)

    columns = [
        TableColumn("#", lambda row: number(row["rank"], ".0f"), 3),
        TableColumn("variant", _name, 0),
        TableColumn(headline, lambda row: number(row[f"balancedness_gpu_{headline}"]), 0),
        TableColumn(f"vs {reference}", unless_reference(lambda row: interval_of(row, "difference", "+.4f")), 0),
        TableColumn("verdict", verdict, 0),
        TableColumn("better on", unless_reference(lambda row: interval_of(row, "improvement", ".0%")), 5),
    ]
    if "front" in summary:
        columns.append(TableColumn("front", lambda row: ON_FRONT if row["front"] else "", 2))
    if summary["strata"].max() > 1:
        columns.append(TableColumn("mean rank", lambda row: number(row["mean_rank"], ".2f"), 3))
    if has_next:
        columns.append(TableColumn("own", lambda row: number(row["balancedness_gpu_own"]), 4))
    if summary[f"optimality_{headline}"].notna().any():
        of_limit = f"of limit: {headline} over what no placement can pass"
        columns.append(TableColumn("of limit", lambda row: number(row[f"optimality_{headline}"], ".1%"), 4, of_limit))
    if summary["imbalance_p95_next"].notna().any():
        columns.append(TableColumn("step p95", lambda row: number(row["imbalance_p95_next"], ".3f"), 4, STEP))
    if summary["imbalance_tiles_next"].notna().any():
        columns.append(TableColumn("in tiles", lambda row: number(row["imbalance_tiles_next"], ".3f"), 4, TILES))
    columns.append(TableColumn("moved", lambda row: number(row["moved_slots"], ".0%"), 2))
    if (summary[f"remote_tokens_{headline}"] > 0).any():
        columns.append(TableColumn("remote", lambda row: number(row[f"remote_tokens_{headline}"], ".1%"), 3, REMOTE))
    columns.append(TableColumn("local groups", lambda row: number(row["group_locality"], ".0%"), 5))
    columns.append(TableColumn("co-located", lambda row: number(row["colocated_replicas"], ".0%"), 7))
    if summary["place_seconds"].notna().any():
        columns += _time_columns(summary)
    if score is not None and "score" in summary and summary["score"].notna().any():
        columns.append(TableColumn(f"score {score}", lambda row: number(row["score"]), 8))
    return columns


def _time_columns(summary: pd.DataFrame) -> list[TableColumn]:
    beside = time_reference_of(summary) or "reference"
    doubts = dict(zip(summary["variant"], time_doubts(summary), strict=True))
    several = len({doubt for doubt in doubts.values() if not pd.isna(doubt)}) > 1

    def cell(row: pd.Series) -> str:
        doubt = doubts[row["variant"]]
        if pd.isna(doubt):
            return ratio(row)
        return f"{ratio(row)} ({doubt})" if several else f"{ratio(row)} {DOUBT}"

    columns = [
        TableColumn("ms", lambda row: number(row["place_seconds"] * 1e3, ".3g"), 6),
        TableColumn(f"time / {beside}", cell, 1, _doubt(summary)),
    ]
    if summary["place_peak_mib"].notna().any():
        columns.append(TableColumn("MiB", lambda row: number(row["place_peak_mib"], ".3g"), ROOMY, MEMORY))
    return columns


def time_doubts(summary: pd.DataFrame) -> pd.Series:
    """Return why the time of each row should be doubted, missing where there is no reason or no time."""
    return summary["time_trust"].where(summary["time_ratio"].notna())


def _doubt(summary: pd.DataFrame) -> str:
    """Return the note on the mark beside times; nothing where no time has it."""
    reasons = list(dict.fromkeys(time_doubts(summary).dropna()))
    return f"{DOUBT}: {reasons[0]}" if len(reasons) == 1 else ""


def _name(row: pd.Series) -> str:
    return str(row["variant"]) if row["complete"] else f"{row['variant']} ({row['windows']} windows)"
