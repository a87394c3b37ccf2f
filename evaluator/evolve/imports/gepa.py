"""What GEPA left behind: ``candidates.json`` and ``run_log.json``; its state is a pickle and is not read."""

from __future__ import annotations

from typing import Any

from evaluator.evolve.imports.left import Folder, Left, finite

STATE = "gepa_state.bin"


def read(folder: Folder) -> list[Left] | None:
    """Return what GEPA left behind: the candidates that it kept, and of proposals that it did not keep nothing."""
    if not folder.has("candidates.json"):
        if folder.has(STATE):
            folder.missing.append(f"{STATE} is a pickle, which could run anything, and is not read")
            return []
        return None
    candidates = folder.json(folder.path / "candidates.json")
    log = folder.json(folder.path / "run_log.json")
    log = log if isinstance(log, list) else []
    if not log:
        folder.missing.append("run_log.json: who is whose parent and GEPA's scores are not known without it")
    lost = sum(1 for event in log if isinstance(event, dict) and "new_program_idx" not in event)
    if lost:
        folder.missing.append(f"{lost} proposals that GEPA did not keep have no program on disk")
    made = {event["new_program_idx"]: event for event in log if isinstance(event, dict) and _is_index(event)}
    found = []
    for number, candidate in enumerate(candidates if isinstance(candidates, list) else []):
        source = _source(candidate)
        if source is None:
            folder.missing.append(f"candidates.json: candidate {number} has no one text")
            continue
        event = made.get(number, {})
        parent = event.get("selected_program_candidate", 0) if number else None
        is_name = isinstance(parent, int) and not isinstance(parent, bool) and parent < number
        score = _score(event.get("new_subsample_scores")) if number else _score_of_first(log)
        found.append(Left(str(number), number, str(parent) if is_name else None, source, None, None, score))
    return found


def _is_index(event: dict[str, Any]) -> bool:
    return isinstance(event.get("new_program_idx"), int)


def _source(candidate: Any) -> str | None:
    """Return the one text of a candidate."""
    texts = list(candidate.values()) if isinstance(candidate, dict) else [candidate]
    return texts[0] if len(texts) == 1 and isinstance(texts[0], str) else None


def _score(scores: Any) -> float | None:
    """Return the mean of what a proposal was given."""
    values = [finite(score) for score in scores] if isinstance(scores, list) else []
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _score_of_first(log: list[Any]) -> float | None:
    """Return what the initial candidate was given, as it was chosen first."""
    for event in log:
        if isinstance(event, dict) and event.get("selected_program_candidate") == 0:
            return _score(event.get("subsample_scores"))
    return None
