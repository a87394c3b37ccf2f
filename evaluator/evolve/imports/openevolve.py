"""Checkpoints of OpenEvolve and of SkyDiscover: ``checkpoints/checkpoint_N/programs/UUID.json``.

Checkpoints overlap, and each has only what was in the database at its time: the programs of all are read, and of one
that is in several the last. What came after the last checkpoint is in none. A program that was moved to another island
is a copy and left out.
"""

from __future__ import annotations

from typing import Any

from evaluator.evolve.imports.left import Folder, Left, number_in, text_in, whole_in

SOURCE = {"openevolve": "code", "skydiscover": "solution"}
"""The key under which an engine keeps the source of a program, which tells the two apart."""


def openevolve(folder: Folder) -> list[Left] | None:
    """Return what OpenEvolve left behind."""
    return _read(folder, "openevolve")


def skydiscover(folder: Folder) -> list[Left] | None:
    """Return what SkyDiscover left behind."""
    return _read(folder, "skydiscover")


def _read(folder: Folder, engine: str) -> list[Left] | None:
    checkpoints = [path for path in folder.listed("checkpoints", "checkpoint_*") if path.is_dir()]
    if not checkpoints and folder.has("programs") and folder.has("metadata.json"):
        checkpoints = [folder.path]  # one is named
    found: dict[str, Left] = {}
    others = False
    for checkpoint in checkpoints:
        files = folder.listed(str(checkpoint.relative_to(folder.path) / "programs"), "*.json")
        if not files:
            folder.put_down(checkpoint, "it has no programs")
        for file in files:
            values = folder.json(file)
            if values is None:
                continue
            program = _program(values, engine)
            if program is not None and not _is_copy(values):
                found[program.name] = program
            elif program is None and isinstance(values, dict) and set(SOURCE.values()) & values.keys():
                others = True
            elif program is None:
                folder.put_down(file, "it is not a program")
    if not checkpoints or (others and not found):
        return None
    if (last := checkpoints[-1].name.rpartition("_")[2]).isdigit():
        folder.missing.append(f"what was found after checkpoint {last} is in no checkpoint")
    return sorted(found.values(), key=lambda program: program.number)


def _program(values: Any, engine: str) -> Left | None:
    source, name = text_in(values, SOURCE[engine]), text_in(values, "id")
    if source is None or name is None:
        return None
    number, parent = whole_in(values, "iteration_found"), text_in(values, "parent_id")
    score = number_in(values.get("metrics"), "combined_score")
    return Left(name, number, parent, source, _document(values.get("prompts")), None, score, engine)


def _is_copy(values: Any) -> bool:
    """Whether a program is one that was moved to another island."""
    metadata = values.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("migrant"))


def _document(prompts: Any) -> str | None:
    """Return the last answer of a model that a program was made of."""
    for asked in prompts.values() if isinstance(prompts, dict) else ():
        responses = asked.get("responses") if isinstance(asked, dict) else None
        if isinstance(responses, list) and responses and isinstance(responses[-1], str):
            return responses[-1]
    return None
