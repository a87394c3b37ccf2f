"""What is kept of a study's programs: an answer each, and a line on record for every question."""

from __future__ import annotations

import datetime
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from evaluator.candidates.judging import schema
from evaluator.evolve.answers import LOST, UNUSABLE, Answer
from evaluator.evolve.study import KNOWN, RECORD, Study, key_of
from evaluator.files import write_whole

TRIES = 2
"""How often a program is judged that timed out: a busy machine may have been the reason once."""
LONGEST_LINE = 16 << 20
"""Bytes: a program of a million characters, each written out, with what is known of it."""
TOLD = ("engine", "parent", "document")
"""What is put on record of where a program comes from, null where it is not known."""


def known(study: Study, key: str) -> Answer | None:
    """Return what is known of a program; None where nothing is, or it may be tried once more."""
    try:
        answer: Answer = json.loads(_path(study, key).read_text(encoding="utf-8"))
        return None if answer["verdict"] == schema.TIMED_OUT and answer["tries"] < TRIES else answer
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(study: Study, key: str, answer: Answer) -> None:
    """Keep an answer on a program; what the bench could not judge is not kept."""
    if answer["kind"] in (LOST, UNUSABLE):
        return
    path = _path(study, key)
    try:
        before = json.loads(path.read_text(encoding="utf-8"))["tries"]
    except (OSError, ValueError, KeyError, TypeError):
        before = 0
    path.parent.mkdir(exist_ok=True)
    write_whole(path, json.dumps({**answer, "tries": before + 1}))


def put_on_record(study: Study, source: str, asked: dict[str, Any], answer: Answer) -> None:
    """Add a line to the record; see ``record_of``.

    Args:
        study: whose.
        source: of the program, as it was asked about.
        asked: what is known of where it comes from: ``engine``, ``parent``, ``document``, and what more an import has.
        answer: that was given.
    """
    put_all_on_record(study, [(source, asked, answer)])


def put_all_on_record(study: Study, lines: Iterable[tuple[str, dict[str, Any], Answer]]) -> None:
    """Add lines to the record, which nobody else writes to meanwhile."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    with (study.folder / RECORD).open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for source, asked, answer in lines:
            told = {name: asked.get(name) for name in TOLD}
            more = {"imported": asked["imported"]} if "imported" in asked else {}
            line = {"at": now, "program": key_of(source), **told, **more, "source": source, "answer": answer}
            file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())


def record_of(folder: Path) -> Iterator[dict[str, Any] | None]:
    """Yield the lines of the record in a study's folder; None for one that is no whole line, or no line of a record."""
    try:
        with (folder / RECORD).open("rb") as file:
            for text in _lines_of(file):
                try:
                    line = None if text is None else json.loads(text.decode("utf-8", "replace"))
                except (ValueError, RecursionError):
                    line = None
                yield line if isinstance(line, dict) else None
    except FileNotFoundError:
        return


def _lines_of(file: BinaryIO) -> Iterator[bytes | None]:
    """Yield the lines of a file, None for one that is longer than any of a record; such a line is not kept."""
    is_long = False
    while text := file.readline(LONGEST_LINE):
        goes_on = len(text) == LONGEST_LINE and not text.endswith(b"\n")
        if not goes_on:
            yield None if is_long else text
        is_long = goes_on
    if is_long:
        yield None


def _path(study: Study, key: str) -> Path:
    return study.folder / KNOWN / f"{key}.json"
