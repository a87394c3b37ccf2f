"""The record of a study of our own: ``record.jsonl``, a line for every question."""

from __future__ import annotations

from dataclasses import replace

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.matching import MATCHINGS
from evaluator.evolve.imports.left import Folder, Left, number_in, text_in
from evaluator.evolve.keeping import record_of
from evaluator.evolve.study import RECORD, SEED_PROGRAM, key_of


def read(folder: Folder) -> list[Left] | None:
    """Return the distinct programs of a study's record, and its seed program as the first."""
    path = folder.path / RECORD
    if not path.is_file() or folder.leads_out(path):
        return None
    found: dict[str, Left] = {}
    seed = folder.text(folder.path / SEED_PROGRAM)
    if seed is not None:
        found[key_of(seed)] = Left(key_of(seed), 0, None, seed)
    unread = 0
    try:
        for line in record_of(folder.path):
            source, answer = text_in(line, "source"), (line or {}).get("answer")
            if source is None or not isinstance(answer, dict):  # what was known is on record without its text
                unread += text_in(line, "program") is None
                continue
            key, engine = key_of(source), text_in(line, "engine")
            matching = engine if engine in MATCHINGS else None
            score, parent = number_in(answer, "combined_score"), text_in(line, "parent")
            before = found.get(key)
            if before is None:
                document = text_in(line, "document")
                found[key] = Left(key, len(found), parent, source, document, None, score, matching)
            elif before.score is None and score is not None:
                found[key] = replace(before, score=score)
    except OSError as error:
        raise EplbError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    if unread:
        folder.missing.append(f"{RECORD}: {unread} lines cannot be read")
    return list(found.values())
