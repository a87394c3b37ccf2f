"""Verdicts in words: over everything, and workload by workload."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from evaluator.analysis.paired import TIME_WORDS
from evaluator.analysis.statistics import BETTER, SAME, UNSURE, WORSE, estimate_in

ORDER = (BETTER, SAME, WORSE, UNSURE)


def words(summary: pd.DataFrame, reference: str, panels: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return, for each verdict that was given, the variants that it is about, best first.

    Args:
        summary: over everything, as ``summarise`` returns it.
        reference: has no verdict.
        panels: of the workloads; how often each variant was better, the same and worse is counted over them.

    A variant that was not measured everywhere is marked: its difference is of the windows that it has.
    """
    others = summary[summary["variant"] != reference]
    measured = [panel for panel in panels if panel["measured"]]
    return [
        {"verdict": verdict, "variants": [_said(row, measured) for _, row in rows.iterrows()]}
        for verdict in ORDER
        if len(rows := others[others["verdict"] == verdict])
    ]


def _said(row: pd.Series, panels: Sequence[dict[str, Any]]) -> dict[str, Any]:
    counts = Counter(
        entry["summary"]["verdict"]
        for panel in panels
        for entry in panel["rows"]
        if entry["summary"]["variant"] == row["variant"]
    )
    tally = ", ".join(f"{word} on {counts[word]}" for word in ORDER if counts[word])
    return {
        "variant": str(row["variant"]),
        "difference": estimate_in(row, "difference").text("+.4f"),
        "tally": f"{tally} of {len(panels)}" if len(panels) > 1 else "",
        "complete": bool(row["complete"]),
        "windows": int(row["windows"]),
    }


def time_words(summary: pd.DataFrame) -> list[dict[str, Any]]:
    """Return, for each verdict on time that was given, the variants, their ratios and what is doubtful in these.

    The time reference has a control in place of a verdict, and is left out.
    """
    return [
        {
            "verdict": TIME_WORDS.get(verdict, verdict),
            "reference": str(rows["time_reference"].iloc[0]),
            "variants": [
                {
                    "variant": str(row["variant"]),
                    "ratio": estimate_in(row, "time_ratio").text(".2f"),
                    "marks": "" if pd.isna(row["time_trust"]) else row["time_trust"],
                }
                for _, row in rows.iterrows()
            ],
        }
        for verdict in ORDER
        if len(rows := summary[summary["time_verdict"] == verdict])
    ]


def matrix(panels: Sequence[dict[str, Any]], variants: Sequence[str], reference: str) -> dict[str, Any] | None:
    """Return the verdicts as a table, a row per panel and a column per variant; None where one panel says it all."""
    if len(panels) < 2:
        return None
    others = [name for name in variants if name != reference]
    rows = []
    for panel in panels:
        found = {entry["summary"]["variant"]: entry["summary"] for entry in panel.get("rows", ())}
        cells = [(found[name]["difference"], found[name]["verdict"]) if name in found else None for name in others]
        rows.append({"id": panel["id"], "title": panel["title"], "cells": cells})
    return {"variants": others, "rows": rows}
