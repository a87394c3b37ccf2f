"""What came of an import, in words and as a table."""

from __future__ import annotations

from collections import Counter
from typing import Any

from eplb_variants.errors import printable
from evaluator.evolve.imports.applying import HOW
from evaluator.evolve.imports.importing import Imported
from evaluator.evolve.imports.schema import BROKEN, FINDINGS
from evaluator.shown.grid import Grid
from evaluator.shown.words import MISSING, interval_of, number, yes_or_no

HEADER = ("name", "engine", "place", "here", "place here", "vs initial", "held out", "confirmed", "applied", "finding")
IMPORTANCE = (0, 1, 4, 1, 4, 0, 3, 2, 3, 0)
SHOWN = 25
"""Rows at most: an import has hundreds, and the file has all."""
LONGEST_NAME = 20
CAPTION = (
    "engine, here: scores, and places among the distinct programs by them\n"
    "vs initial: difference to the initial program in balancedness of GPUs on the next window, with its 95% interval"
)
JSON_VERSION = 1


def import_grid(imported: Imported) -> Grid:
    """Return the rows that something is to be said of, the best ones first."""
    cells = [_cells(row) for row in sorted(imported.rows, key=_importance)[:SHOWN]]
    texts = frozenset({"name", "confirmed", "applied", "finding"})
    return Grid("", HEADER, cells, texts, CAPTION, IMPORTANCE, elsewhere="--json")


def import_words(imported: Imported) -> list[str]:
    """Return what came of it, in lines."""
    rows = imported.rows
    verdicts = Counter(row["verdict"] for row in rows if row["program"] is not None)
    lines = [f"{len(rows)} programs and documents of {imported.layout}, {imported.programs} distinct programs judged"]
    lines.append("programs: " + _counted(verdicts))
    documents = Counter(row["applied"] for row in rows if row["document"] is not None)
    if documents:
        lines.append("documents applied: " + _counted(documents))
    claimed = sum(1 for row in rows if row["engine_claims"])
    found = Counter(row["finding"] for row in rows if row["finding"] not in (None, BROKEN))
    words = f"better than their parents, by the engine's scores: {claimed}"
    lines.append(f"{words}: {_counted(found)}" if found else words)
    broken = sum(1 for row in rows if row["finding"] == BROKEN)
    if broken:
        lines.append(f"broken by the way they were applied: {broken}")
    confirmed = {row[f"{whose}program"] for whose in ("", "meant_") for row in rows if row[f"{whose}confirmed"]}
    lines.append(f"better than the initial program, confirmed on the held-out part: {len(confirmed)} distinct programs")
    lines += [f"missing: {sentence}" for sentence in imported.missing[:SHOWN]]
    if len(imported.missing) > SHOWN:
        lines.append(f"missing: {len(imported.missing) - SHOWN} more")
    return lines


def import_values(imported: Imported) -> dict[str, Any]:
    """Return all rows as plain values, with what the words in them mean."""
    return {
        "schema_version": JSON_VERSION,
        "layout": imported.layout,
        "missing": imported.missing,
        "file": str(imported.file),
        "meaning": {**HOW, **FINDINGS},
        "rows": imported.rows,
    }


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.most_common()) or "none"


def _importance(row: dict[str, Any]) -> tuple[bool, bool, bool, float]:
    """Return what rows are sorted by: what is confirmed, what has a finding, programs before documents; by score."""
    return not row["confirmed"], row["finding"] is None, row["program"] is None, -(row["score"] or 0.0)


def _cells(row: dict[str, Any]) -> list[str]:
    name = printable(row["name"])
    name = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    prefix = "meant_" if row["finding"] == BROKEN or row["program"] is None else ""
    return [
        name,
        number(row["engine_score"]),
        str(row["engine_place"] or MISSING),
        number(row[f"{prefix}score"]),
        str(row["place"] or MISSING),
        interval_of(row, f"{prefix}difference", "+.4f"),
        interval_of(row, f"{prefix}held_out_difference", "+.4f"),
        yes_or_no(row[f"{prefix}confirmed"]),
        row["applied"],
        row["finding"] or row[f"{prefix}verdict"] or MISSING,
    ]
