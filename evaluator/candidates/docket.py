"""The docket: documents in, programs to be judged out, each distinct one once; and the report on every document."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eplb_variants import EplbError
from eplb_variants.errors import printable
from evaluator.candidates.documents.apply import apply_document, other_interpretations
from evaluator.candidates.documents.document import read_document
from evaluator.candidates.judging.feedback import feedback
from evaluator.candidates.judging.schema import ARROW, REJECTED
from evaluator.candidates.program import Program

Row = dict[str, Any]
NAMED = 3
"""Names of documents in a row at most, ahead of a note that holds for many."""


@dataclass(frozen=True)
class Entry:
    """A document and what became of it.

    Attributes:
        name: of the candidate.
        path: of its file.
        program: what it made of the parent; None if it was rejected.
        reason: why it was rejected, in a sentence.
        notes: what was noticed on the way: repairs, and where other semantics give another program.
    """

    name: str
    path: str
    program: Program | None
    reason: str | None
    notes: tuple[str, ...]


def candidate_files(paths: Iterable[str | Path]) -> list[Path]:
    """Return the files that are named, and those in folders that are named, sorted within each.

    Raises:
        EplbError: a path does not exist, or a folder has no files.
    """
    files: list[Path] = []
    for given in map(Path, paths):
        if given.is_dir():
            inside = sorted(p for p in given.iterdir() if p.is_file() and not p.name.startswith((".", "_")))
            if not inside:
                raise EplbError(f"the folder {str(given)!r} holds no candidates")
            files += inside
        elif given.is_file():
            files.append(given)
        else:
            raise EplbError(f"there is no candidate {str(given)!r}")
    return files


def read_entries(files: Sequence[Path], parent: Program, matching: str) -> list[Entry]:
    """Return an entry per file; a document that does not apply is an entry too."""
    return [_entry(file, parent, matching) for file in files]


def _entry(file: Path, parent: Program, matching: str) -> Entry:
    path = os.fsencode(file).decode("utf-8", "replace")
    try:
        document = read_document(file, parent.source, strict=False)
    except EplbError as error:
        return Entry(printable(file.stem), path, None, str(error), ())
    name = printable(document.name or file.stem)[:80]
    others = other_interpretations(document, parent.source, matching)
    try:
        applied = apply_document(document, parent.source, matching)
    except EplbError as error:
        return Entry(name, path, None, str(error), (*document.notes, *others))
    return Entry(name, path, Program(name, applied.program), None, (*document.notes, *applied.notes, *others))


def report_on(entries: Sequence[Entry], rows: dict[str, Row]) -> list[Row]:
    """Return what is to be said of each document, in their order.

    Args:
        entries: the documents.
        rows: a row per distinct program, as the judge returns them.
    """
    first: dict[str, Entry] = {}
    said = []
    for entry in entries:
        line: Row = dict.fromkeys(ARROW.names)
        line |= {"candidate": entry.name, "path": entry.path, "notes": list(entry.notes), "same_as": None}
        if entry.program is None:
            line |= {"verdict": REJECTED, "detail": entry.reason, "program": None}
            line["feedback"] = {"verdict": REJECTED, "text": f"the document did not apply: {entry.reason}"}
        else:
            row = rows[entry.program.key]
            line |= {key: value for key, value in row.items() if key != "candidate"}
            line["feedback"] = feedback(row)
            earlier = first.setdefault(entry.program.key, entry)
            line["same_as"] = None if earlier is entry else earlier.name
        said.append(line)
    return said


def shared_notes(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Return each note of a report once, with the documents that it holds for, in words, ahead of it."""
    holders: dict[str, list[str]] = {}
    for row in rows:
        for note in dict.fromkeys(row["notes"]):
            holders.setdefault(note, []).append(row["candidate"])
    return [(_named(names, len(rows)), note) for note, names in holders.items()]


def _named(names: list[str], documents: int) -> str:
    """Return who the documents with these names are, of so many."""
    if 1 < len(names) == documents:
        return f"all {documents} documents"
    different = list(dict.fromkeys(names))
    more = f" and {len(different) - NAMED} more" if len(different) > NAMED else ""
    return ", ".join(different[:NAMED]) + more
