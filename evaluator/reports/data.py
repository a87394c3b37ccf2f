"""From rows by window to what a report says: a plain dict of summaries, never the rows.

The page opens fast whatever the size of the run, because what is in it is bounded here: a line per variant, the
differences by window in at most so many buckets, heat maps of at most so many cells.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from eplb_variants.errors import EplbError
from evaluator.analysis.alignment import align
from evaluator.analysis.pareto import on_front
from evaluator.analysis.score import Score
from evaluator.analysis.statistics import mean_of_series
from evaluator.analysis.summary import by_workload, headline_of, summarise
from evaluator.reports.commands import Commands
from evaluator.reports.heat import Budget, heat_maps
from evaluator.reports.provenance import failures, machines_of, provenance, variants_of
from evaluator.reports.series import differences, points_per_series
from evaluator.reports.verdicts import matrix, time_words, words
from evaluator.results.schema import OK
from evaluator.shown.tables import FRONT_MEANS, LEFT, Column, caption_of, columns_of

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


def report_data(frame: pd.DataFrame, reference: str, score: Score, runs: Sequence[str]) -> dict[str, Any]:
    """Return all that the page says, JSON-like: dicts, lists, texts, numbers and None.

    Args:
        frame: rows by window, as ``read_runs`` returns them, failed and skipped cells among them.
        reference: variant that differences are to.
        score: that the tables show.
        runs: the folders that the rows are from, as they were given.

    Numbers are those of ``summarise``; what was not measured is None. A workload on a topology is a panel; where there
    are several, all of them together are the first.

    Raises:
        EplbError: the reference was not measured; it names those that were.
    """
    good = frame[frame["status"] == OK]
    overall = summarise(good, reference, score)
    parts = by_workload(good)
    commands = Commands(runs, reference, score.name)
    budget = Budget()
    points = points_per_series(len(parts) * good["variant"].nunique())
    machines = machines_of(good)
    panels = []
    for number, (title, part) in enumerate(parts, start=1):
        panel = _panel(f"panel-{number}", title, part, reference, score, commands)
        order = [entry["summary"]["variant"] for entry in panel.get("rows", ())] or sorted(part["variant"].unique())
        if panel["measured"]:
            panel["differences"] = differences(part, reference, order, points)
        panel["heat"] = heat_maps(part, order, budget)
        panel["provenance"] = provenance(part, machines)
        panels.append(panel)
    together = f"all {len(parts)} workloads and topologies"
    if len(parts) > 1:
        panels.insert(0, _panel("panel-0", together, good, reference, score, commands, overall))
    return {
        "version": VERSION,
        "runs": list(runs),
        "reference": reference,
        "score": {"name": score.name, "summary": score.summary, "formula": score.formula, "blind": score.blind},
        "judged_on": headline_of(good).rpartition("_")[2],
        "over": together if len(parts) > 1 else parts[0][0],
        "facts": _facts(good, frame),
        "verdicts": words(overall, reference, panels),
        "times": time_words(overall),
        "matrix": matrix([panel for panel in panels if panel["id"] != "panel-0"], list(overall["variant"]), reference),
        "panels": panels,
        "variants": variants_of(frame),
        "machines": list(machines.values()),
        "failures": failures(frame),
        "commands": {"report": commands.report(), "compare": commands.compare()},
    }


def _panel(
    identity: str,
    title: str,
    part: pd.DataFrame,
    reference: str,
    score: Score,
    commands: Commands,
    summary: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """Return table and Pareto plot of a part of the rows; without them where the reference was not measured."""
    panel: dict[str, Any] = {"id": identity, "title": title, "measured": reference in set(part["variant"])}
    panel["commands"] = {"evaluate": commands.evaluate(part)}
    if not panel["measured"]:
        return panel
    summary = summarise(part, reference, score) if summary is None else summary
    summary = summary.assign(front=on_front(summary))
    columns = columns_of(summary, reference, score.name)
    headline = headline_of(part)
    panel |= {
        "caption": f"{caption_of(summary, reference)}; {FRONT_MEANS}",
        "columns": [column.title for column in columns],
        "left": sorted(LEFT),
        "time_reference": _time_reference(summary),
        "rows": [
            {"summary": _plain(row.drop("front")), "cells": _cells(columns, row), "on_front": bool(row["front"])}
            for _, row in summary.iterrows()
        ],
    }
    aligned = align(part, headline)
    for entry in panel["rows"]:
        estimate = mean_of_series(aligned.split(aligned.of(str(entry["summary"]["variant"]))))
        entry["mean"] = {"value": _known(estimate.value), "low": _known(estimate.low), "high": _known(estimate.high)}
    return panel


def _time_reference(summary: pd.DataFrame) -> str | None:
    names = summary.loc[summary["time_ratio"].notna(), "time_reference"].dropna().unique()
    return str(names[0]) if len(names) == 1 else None


def _cells(columns: Sequence[Column], row: pd.Series) -> list[str]:
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
