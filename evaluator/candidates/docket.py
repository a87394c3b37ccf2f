"""The docket: documents in, programs to be judged out, each distinct one once; and the report on every document."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eplb_variants import EplbError
from evaluator.candidates.documents.text import shown_name
from evaluator.candidates.judging.feedback import feedback
from evaluator.candidates.judging.schema import ARROW, REJECTED
from evaluator.candidates.program import Program
from evaluator.candidates.reading import Made, Reader
from evaluator.files import leads_out
from evaluator.progress import Progress, Silent

Row = dict[str, Any]
NAMED = 3
"""Names of documents in a row at most, ahead of a note that holds for many."""


@dataclass(frozen=True)
class Entry:
    """A document and what became of it.

    Attributes:
        name: of the candidate, printable.
        path: of its file; what is not UTF-8 in it is replaced.
        program: what it made of the parent; None if it was rejected.
        reason: why it was rejected, in a sentence that holds no text of the document: it may be told to a model.
        notes: what was noticed on the way: repairs, and where other semantics give another program.
    """

    name: str
    path: str
    program: Program | None
    reason: str | None
    notes: tuple[str, ...]


def candidate_files(paths: Iterable[str | Path]) -> list[Path]:
    """Return what is named, and what is in folders that are named, sorted within each.

    Of a folder, other folders and names that begin with a dot or an underscore are left out. What cannot be read, such
    as a pipe or a link that leads nowhere, stays: whoever reads it says so.

    Raises:
        EplbError: a path does not exist, a folder has no files or cannot be listed.
    """
    files: list[Path] = []
    for given in map(Path, paths):
        if os.path.isdir(given):
            inside = sorted(path for path in _listed(given) if not path.name.startswith((".", "_")))
            if not inside:
                raise EplbError(f"the folder {str(given)!r} holds no candidates")
            files += inside
        elif os.path.lexists(given):
            files.append(given)
        else:
            raise EplbError(f"there is no candidate {str(given)!r}")
    return files


def _listed(folder: Path) -> list[Path]:
    """Return all but the folders in a folder."""
    try:
        return [path for path in folder.iterdir() if not os.path.isdir(path)]
    except OSError as error:
        raise EplbError(f"the folder {str(folder)!r} cannot be listed: {error.strerror}") from None


def read_entries(
    files: Sequence[Path],
    parent: Program,
    matching: str,
    progress: Progress | None = None,
    named: Iterable[str | Path] | None = None,
) -> list[Entry]:
    """Return an entry per file; a document that cannot be read or does not apply is an entry too.

    Args:
        files: of documents.
        parent: the program that they change.
        matching: how a SEARCH is matched.
        progress: told of each file.
        named: files that were named themselves, all if None. The others were found in a folder, of a stranger's
            perhaps: none is read that is a link out of it.
    """
    chosen = set(files if named is None else map(Path, named))
    entries = []
    told = progress or Silent()
    told.start("documents", len(files))
    with Reader(parent.source, matching) as reader:
        for file in files:
            if file in chosen or not leads_out(file, file.parent):
                made = reader.read(file)
            else:
                made = Made(shown_name(file.stem), reason="it is a link that leads out of the folder: name it itself")
            program = None if made.program is None else Program(made.name, made.program)
            path = os.fsencode(file).decode("utf-8", "replace")
            entries.append(Entry(made.name, path, program, made.reason, made.notes))
            told.step(made.name)
    return entries


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
