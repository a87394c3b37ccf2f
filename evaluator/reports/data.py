"""From a comparison to what a report says: a plain dict of summaries, never the rows.

The page opens fast whatever the size of the run, because what is in it is bounded here: a line per variant, the
differences by window in at most so many buckets, heat maps of at most so many cells.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from eplb_variants.errors import EplbError
from evaluator.analysis.comparison import Comparison, Part
from evaluator.analysis.statistics import estimate_in
from evaluator.analysis.summary import headline_of, notes_on
from evaluator.analysis.times import time_reference_of
from evaluator.reports.commands import Commands
from evaluator.reports.heat import Budget, heat_maps
from evaluator.reports.provenance import Machines, failures, machines_of, provenance, variants_of
from evaluator.reports.series import differences, points_per_series
from evaluator.reports.verdicts import matrix, time_words, words
from evaluator.results.schema import OK
from evaluator.shown.tables import FRONT_MEANS, LEFT, ROOMY, TableColumn, caption_of, columns_of

DEFAULT_REFERENCE = "deepseek"
VERSION = 1
"""Of the JSON in the page."""


def choose_reference(frame: pd.DataFrame) -> str:
    """Return what differences are to where nobody said: ``deepseek``, or what most was timed beside, or the first.

    Raises:
        EplbError: nothing was measured.
    """
    good = frame[frame["status"] == OK]
    if good.empty:
        reasons = frame["reason"].dropna()
        because = f", such as: {reasons.iloc[0]}" if len(reasons) else ""
        raise EplbError(f"there is nothing to report: all cells failed or were skipped{because}")
    measured = set(good["variant"])
    beside = [name for name in good["time_reference"].value_counts().index if name in measured]
    return next((name for name in (DEFAULT_REFERENCE, *beside) if name in measured), min(measured))


def report_data(comparison: Comparison, frame: pd.DataFrame, runs: Sequence[str]) -> dict[str, Any]:
    """Return all that the page says, JSON-like: dicts, lists, texts, numbers and None.

    Args:
        comparison: of the cells that went well.
        frame: all rows by window, as ``read_runs`` returns them, failed and skipped cells among them.
        runs: the folders that the rows are from, as they were given.

    What was not measured is None. A workload on a topology is a panel; where there are several, all of them together
    are the first, and those without the reference the last.
    """
    reference, score, overall = comparison.reference, comparison.score, comparison.overall
    commands = Commands(runs, reference, score.name)
    rows = comparison.rows
    machines = machines_of(rows)
    panels = list(_panels(comparison, commands, machines))
    together = [] if comparison.aggregates is None else [_panel(0, overall.title, overall, overall.rows, commands)]
    return {
        "version": VERSION,
        "runs": list(runs),
        "reference": reference,
        "score": {"name": score.name, "summary": score.summary, "formula": score.formula, "blind": score.blind},
        "judged_on": headline_of(overall.rows).rpartition("_")[2],
        "over": overall.title,
        "notes": notes_on(overall.summary, reference),
        "facts": _facts(rows, frame),
        "verdicts": words(overall.summary, reference, panels),
        "times": time_words(overall.summary),
        "matrix": matrix(panels, list(overall.summary["variant"]), reference),
        "panels": [*(panel | _table(overall, comparison) for panel in together), *panels],
        "variants": variants_of(frame),
        "machines": list(machines.values()),
        "failures": failures(frame),
        "commands": {"report": commands.report(), "compare": commands.compare()},
    }


def _panels(comparison: Comparison, commands: Commands, machines: Machines) -> Iterator[dict[str, Any]]:
    """Yield what is said of each workload on each topology; no table where the reference was not measured."""
    loads: list[tuple[str, pd.DataFrame, Part | None]] = [(part.title, part.rows, part) for part in comparison.parts]
    loads += [(title, rows, None) for title, rows in comparison.without_reference.items()]
    budget = Budget()
    points = points_per_series(len(loads) * len(comparison.overall.summary))
    for number, (title, rows, part) in enumerate(loads, start=1):
        panel = _panel(number, title, part, rows, commands)
        order = sorted(rows["variant"].unique())
        if part is not None:
            order = list(part.summary["variant"])
            panel |= _table(part, comparison)
            panel["differences"] = differences(rows, comparison.reference, order, points)
        yield panel | {"heat": heat_maps(rows, order, budget), "provenance": provenance(rows, machines)}


def _panel(number: int, title: str, part: Part | None, rows: pd.DataFrame, commands: Commands) -> dict[str, Any]:
    return {
        "id": f"panel-{number}",
        "title": title,
        "measured": part is not None,
        "commands": {"evaluate": commands.evaluate(rows)},
    }


def _table(part: Part, comparison: Comparison) -> dict[str, Any]:
    """Return the table of a part and the points of its Pareto plot."""
    summary = part.summary
    columns = [c for c in columns_of(summary, comparison.reference, comparison.score.name) if c.importance < ROOMY]
    return {
        "caption": f"{caption_of(summary, comparison.reference)}; {FRONT_MEANS}",
        "columns": [column.title for column in columns],
        "left": sorted(LEFT),
        "time_reference": time_reference_of(summary),
        "rows": [
            {
                "summary": _plain(row.drop("front")),
                "cells": _cells(columns, row),
                "on_front": bool(row["front"]),
                "mean": _mean(row),
            }
            for _, row in summary.iterrows()
        ],
    }


def _mean(row: pd.Series) -> dict[str, float | None]:
    mean = estimate_in(row, "headline")
    return {"value": _known(mean.value), "low": _known(mean.low), "high": _known(mean.high)}


def _cells(columns: Sequence[TableColumn], row: pd.Series) -> list[str]:
    return [column.cell(row) for column in columns]


def _plain(row: pd.Series) -> dict[str, Any]:
    """Return a row as JSON would give it back: None for what is missing."""
    values: dict[str, Any] = json.loads(row.to_json(double_precision=15))
    return values


def _known(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def _facts(good: pd.DataFrame, frame: pd.DataFrame) -> dict[str, Any]:
    times = frame["measured_at"].dropna()
    return {
        "rows": len(frame),
        "cells": int(good["cell"].nunique()),
        "variants": int(good["variant"].nunique()),
        "workloads": int(good["workload"].nunique()),
        "topologies": int(good["topology"].nunique()),
        "seeds": int(good["seed"].nunique()),
        "from": str(times.min()) if len(times) else None,
        "to": str(times.max()) if len(times) else None,
    }
