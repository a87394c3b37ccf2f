"""A board as one HTML file, and as parquet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluator.analysis.statistics import BETTER, WORSE
from evaluator.board.judging import REFERENCE, How, Row
from evaluator.board.schema import ARROW
from evaluator.reports.headline import limits_of
from evaluator.reports.page import filled, tone, write
from evaluator.reports.scatter import scatter
from evaluator.results.schema import OK, to_table
from evaluator.results.store import write_parquet
from evaluator.shown.words import MISSING, interval_of, number, yes_or_no

PAGE, TABLE = "board.html", "board.parquet"
COLUMNS = (
    "entry",
    "next",
    "vs deepseek",
    "held out",
    "confirmed",
    "by load",
    "own",
    "per step",
    "moved",
    "remote",
    "time",
    "MiB",
    "optimality",
    "front",
    "by",
    "licence",
    "claims",
)
LEFT = frozenset({"entry", "confirmed", "front", "by", "licence", "claims"})
SHAPES = {BETTER: "up", WORSE: "down", "reference": "square"}
MARKS = {True: "holds", False: "does not hold", None: "not measured"}


def write_board(rows: Sequence[Row], how: How, folder: Path) -> tuple[Path, Path]:
    """Write the page and the table of a board, and return their files.

    Raises:
        EplbError: they cannot be written.
    """
    page, table = folder / PAGE, folder / TABLE
    write(render(rows, how), page)
    write_parquet(to_table(list(rows), ARROW), table)
    return page, table


def render(rows: Sequence[Row], how: How) -> str:
    """Return the page of a board."""
    shown = [row for row in rows if row["status"] == OK]
    others = [row for row in rows if row["status"] != OK]
    texts = [_cells(row) for row in shown]
    kept = [c for c in range(len(COLUMNS)) if any(cells[c] != MISSING for cells in texts)]
    claims = [(row["entry"], claim) for row in rows for claim in json.loads(row["claims"] or "[]")]
    dates = sorted(row["measured_at"] for row in shown if row["measured_at"])
    return filled(
        "board.html",
        REFERENCE,
        {"panels": []},
        suite=how.suite,
        base=REFERENCE,
        columns=[COLUMNS[c] for c in kept],
        left=LEFT,
        rows=[{"row": row, "cells": [cells[c] for c in kept]} for row, cells in zip(shown, texts, strict=True)],
        others=others,
        claims=[{"entry": entry, **claim, "words": MARKS[claim["holds"]]} for entry, claim in claims],
        plots=_plots(shown),
        facts={
            "entries": len(rows),
            "programs": sum(row["kind"] == "program" for row in rows),
            "from": dates[0] if dates else None,
            "to": dates[-1] if dates else None,
            "versions": sorted({row["version"] for row in shown if row["version"]}),
        },
        machines=[json.loads(text) for text in sorted({row["machine"] for row in shown if row["machine"]})],
        timed=any(row["time"] is not None for row in shown),
    )


def _cells(row: Row) -> list[str]:
    claims = json.loads(row["claims"] or "[]")
    broken = sum(claim["holds"] is False for claim in claims)
    said = MISSING if not claims else f"{broken} of {len(claims)} not" if broken else f"{len(claims)} hold"
    known = {claim["holds"] for claim in claims}
    return [
        row["entry"],
        interval_of(row, "next"),
        interval_of(row, "difference", "+.4f"),
        interval_of(row, "held_out_difference", "+.4f"),
        yes_or_no(row["confirmed"]),
        number(row["dispatched"]),
        number(row["own"]),
        number(row["per_step"], ".2f"),
        number(row["moved"], ".1%"),
        number(row["remote"], ".0%"),
        interval_of(row, "time", ".2f"),
        number(row["memory"], ".3g"),
        number(row["optimality"]),
        "front" if row["front"] else MISSING,
        row["authors"],
        row["licence"],
        "not measured" if known == {None} else said,
    ]


def _plots(rows: Sequence[Row]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return balance against moved slots, and against time where that was taken."""
    ends = limits_of([{**row, "variant": row["entry"]} for row in rows], REFERENCE)
    points = [_point(row) for row in rows]
    moved = [{**point, "x": point["moved"], "x_low": None, "x_high": None, "size": 0.2} for point in points]
    plots = [("moved", "slots moved per placement", scatter(moved, ends, log=False, form="{:.3g}".format))]
    timed = [point for point in points if point["x"] is not None]
    if timed:
        beside = "placement time / that of DeepSeek's balancer"
        plots.insert(0, ("time", beside, scatter(timed, ends, log=True, form="{:.3g}x".format)))
    return plots


def _point(row: Row) -> dict[str, Any]:
    facts = [f"{title}: {text}" for title, text in zip(COLUMNS[1:], _cells(row)[1:], strict=True) if text != MISSING]
    return {
        "label": row["entry"],
        "shape": SHAPES.get(row["verdict"], "circle"),
        "tone": tone(row["verdict"] or ""),
        "front": bool(row["front"]),
        "tip": "\n".join([row["entry"], f"{row['kind']}; {row['verdict']}", *facts]),
        "y": row["difference"] or 0.0,
        "y_low": row["difference_low"],
        "y_high": row["difference_high"],
        "x": row["time"],
        "x_low": row["time_low"],
        "x_high": row["time_high"],
        "moved": row["moved"] or 0.0,
        "size": row["moved"],
    }
