"""Checkpoints of OpenEvolve and of SkyDiscover: ``checkpoints/checkpoint_N/programs/UUID.json``.

Checkpoints overlap, and each has only what was in the database at its time: the programs of all are read, and of one
that is in several the last. What came after the last checkpoint is in none. A program that was moved to another island
is a copy and left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evaluator.evolve.imports.left import Folder, Left, number_in, text_in, whole_in


def openevolve(folder: Folder) -> list[Left] | None:
    """Return what OpenEvolve left behind."""
    return _read(folder, "code", "openevolve")


def skydiscover(folder: Folder) -> list[Left] | None:
    """Return what SkyDiscover left behind."""
    return _read(folder, "solution", "skydiscover")


def _read(folder: Folder, key: str, matching: str) -> list[Left] | None:
    checkpoints = [path for path in folder.listed("checkpoints", "checkpoint_*") if path.is_dir()]
    if not checkpoints and folder.has("programs") and folder.has("metadata.json"):
        checkpoints = [folder.path]  # one is named
    found: dict[str, Left] = {}
    is_other = False
    for checkpoint in checkpoints:
        files = folder.listed(str(checkpoint.relative_to(folder.path) / "programs"), "*.json")
        if not files:
            folder.put_down(checkpoint, "it has no programs")
        for file in files:
            program = _program(folder, file, key, matching)
            if isinstance(program, Left):
                found[program.name] = program
            is_other |= program is OTHER
    if not checkpoints or (is_other and not found):
        return None
    if last := checkpoints[-1].name.rpartition("_")[2]:
        folder.missing.append(f"what was found after checkpoint {last} is in no checkpoint")
    return sorted(found.values(), key=lambda program: program.number)


OTHER = "of another engine"


def _program(folder: Folder, file: Path, key: str, matching: str) -> Left | str | None:
    values = folder.json(file)
    if values is None:
        return None
    source, name = text_in(values, key), text_in(values, "id")
    if source is None or name is None:
        if isinstance(values, dict) and {"code", "solution"} & values.keys():
            return OTHER
        folder.put_down(file, "it is not a program")
        return None
    metadata = values.get("metadata")
    if isinstance(metadata, dict) and metadata.get("migrant"):
        return None
    score = number_in(values.get("metrics"), "combined_score")
    document = _document(values.get("prompts"))
    return Left(
        name, whole_in(values, "iteration_found"), text_in(values, "parent_id"), source, document, None, score, matching
    )


def _document(prompts: Any) -> str | None:
    """Return the last answer of a model that a program was made of."""
    for asked in prompts.values() if isinstance(prompts, dict) else ():
        responses = asked.get("responses") if isinstance(asked, dict) else None
        if isinstance(responses, list) and responses and isinstance(responses[-1], str):
            return responses[-1]
    return None
