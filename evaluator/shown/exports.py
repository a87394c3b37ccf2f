"""A comparison for other programs: CSV, LaTeX, markdown, JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from eplb_variants.errors import EplbError
from evaluator.analysis.comparison import Comparison
from evaluator.analysis.summary import notes_on
from evaluator.files import write_whole
from evaluator.shown.grid import MISSING, Grid
from evaluator.shown.words import listed

SCHEMA_VERSION = 1
"""Of the JSON document; raised when a key changes its meaning."""
LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
}


def summaries_frame(comparison: Comparison) -> pd.DataFrame:
    """Return all summaries, a row per load and variant, with ``load`` and ``front``; the aggregates stand with all."""
    frames = []
    for part in comparison.tables:
        frame = part.summary.copy()
        frame.insert(0, "load", part.title)
        if part is comparison.overall and comparison.aggregates is not None:
            frame = frame.merge(comparison.aggregates.drop(columns=["cells", "strata"]), on="variant", how="left")
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as CSV after RFC 4180, in UTF-8; what is missing is empty.

    Raises:
        EplbError: the file cannot be written.
    """
    _write(path, frame.to_csv(index=False, lineterminator="\n"))


def write_latex(grids: Iterable[Grid], path: Path) -> None:
    r"""Write tables as LaTeX ``table`` environments, for ``\input`` in a document that loads ``booktabs``.

    Raises:
        EplbError: the file cannot be written.
    """
    head = "% written by eplb compare; needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc}\n"
    _write(path, head + "\n".join(to_latex(grid) for grid in grids))


def to_latex(grid: Grid) -> str:
    """Return a table as LaTeX; every text is escaped."""
    columns = "".join("l" if title in grid.left else "r" for title in grid.header)
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{latex_escaped(_caption(grid))}}}",
        rf"  \begin{{tabular}}{{{columns}}}",
        r"    \toprule",
        _latex_row(grid.header),
        r"    \midrule",
        *map(_latex_row, grid.rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _caption(grid: Grid) -> str:
    absent = [f"left out: {listed(grid.left_out)}"] if grid.left_out else []
    return f"{grid.title}: {'; '.join([*grid.caption.split(chr(10)), *absent])}."


def latex_escaped(text: str) -> str:
    """Return a text as it must be written to be read as itself; a minus before a digit becomes one."""
    escaped = "".join(LATEX.get(letter, letter) for letter in text)
    return re.sub(r"(?<!\w)-(?=\d)", "$-$", escaped)


def _latex_row(texts: Iterable[str]) -> str:
    cells = ["--" if text == MISSING else latex_escaped(text) for text in texts]
    if cells[0].startswith(("[", "*")):  # after a line's end, LaTeX would take it for an argument
        cells[0] = f"{{}}{cells[0]}"
    return f"    {' & '.join(cells)} \\\\"


def write_markdown(grids: Iterable[Grid], path: Path) -> None:
    """Write tables as GitHub markdown.

    Raises:
        EplbError: the file cannot be written.
    """
    _write(path, "\n".join(map(to_markdown, grids)))


def to_markdown(grid: Grid) -> str:
    """Return a table as GitHub markdown, title above and caption below; every text is escaped."""
    rule = [":--" if title in grid.left else "--:" for title in grid.header]
    lines = [_markdown_row(map(markdown_escaped, row)) for row in (grid.header, *grid.rows)]
    table = [lines[0], _markdown_row(rule), *lines[1:]]
    return "\n".join([f"**{markdown_escaped(grid.title)}**", "", *table, "", markdown_escaped(grid.caption), ""])


def markdown_escaped(text: str) -> str:
    """Return a text as it must be written to be read as itself, in one line."""
    return re.sub(r"([\\`*_{}\[\]<>|~#$])", r"\\\1", " ".join(text.split()))


def _markdown_row(texts: Iterable[str]) -> str:
    return f"| {' | '.join(texts)} |"


def document(comparison: Comparison, score: str, failed: pd.DataFrame) -> dict[str, Any]:
    """Return a comparison as one JSON document; what is missing is null.

    Args:
        comparison: what was found.
        score: name of the score in the summaries.
        failed: the rows of cells that did not go well.
    """
    overall, aggregates = comparison.overall, comparison.aggregates
    return {
        "schema_version": SCHEMA_VERSION,
        "reference": comparison.reference,
        "score": score,
        "summaries": {
            part.title: {"reference": comparison.reference, "variants": records(part.summary)}
            for part in comparison.parts
        },
        "overall": {
            "title": overall.title,
            "variants": records(overall.summary),
            "aggregates": [] if aggregates is None else records(aggregates),
            "left_out": list(comparison.left_out),
        },
        "notes": {part.title: notes_on(part.summary, comparison.reference) for part in comparison.tables},
        "fronts": {part.title: _front(part.summary) for part in comparison.tables},
        "without_reference": list(comparison.without_reference),
        "failed": records(failed[["variant", "workload", "topology", "seed", "status", "reason"]]),
    }


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as JSON has them: NaN is null."""
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", double_precision=15))
    return rows


def _front(summary: pd.DataFrame) -> list[str]:
    return [str(name) for name in summary.loc[summary["front"], "variant"]]


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, text)
    except OSError as error:
        raise EplbError(f"{str(path)!r} cannot be written: {error.strerror}") from None
