"""Folders as engines leave them behind, made of programs of ours, with the keys and files that the engines write."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

DIFF = "<<<<<<< SEARCH\n{}=======\n{}>>>>>>> REPLACE\n"


@dataclass(frozen=True)
class Step:
    """A program of a search, or an answer that nothing came of."""

    name: str
    number: int
    parent: str | None
    source: str | None
    document: str | None
    score: float | None


def openevolve(folder, steps, key="code"):
    """Write two checkpoints, of which the later lacks the first program after the initial one."""
    programs = [step for step in steps if step.source is not None]
    for number, of in (
        (len(programs) // 2, programs[: len(programs) // 2]),
        (len(programs), programs[:1] + programs[2:]),
    ):
        inside = folder / "checkpoints" / f"checkpoint_{number}" / "programs"
        inside.mkdir(parents=True)
        (inside.parent / "metadata.json").write_text("{}")
        for step in of:
            asked = {"diff_user": {"system": "", "user": "", "responses": [step.document]}} if step.document else None
            metrics = {} if step.score is None else {"combined_score": step.score, "correct": 1.0}
            values = {"id": step.name, key: step.source, "parent_id": step.parent, "iteration_found": step.number}
            values |= {"generation": 1, "metrics": metrics, "metadata": {"island": 0}, "prompts": asked}
            (inside / f"{step.name}.json").write_text(json.dumps(values))
        copy = {**values, "id": f"{values['id']}_copy", "metadata": {"migrant": True}}
        (inside / "copy.json").write_text(json.dumps(copy))


def skydiscover(folder, steps):
    openevolve(folder, steps, "solution")


def shinka(folder, steps):
    """Write a folder for each generation, the answers that were refused, and the database."""
    sources = {step.name: step.source for step in steps}
    folder.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(folder / "programs.sqlite") as database:
        database.execute(
            "create table programs (id text primary key, code text not null, parent_id text, generation integer, "
            "combined_score real, correct boolean, metadata text, island_idx integer)"
        )
        add = "insert into programs values (?, ?, ?, ?, ?, ?, ?, ?)"
        for step in steps:
            inside = folder / f"gen_{step.number}"
            if step.source is None:
                attempt = inside / "attempts" / "novelty_1" / "resample_1" / "patch_1"
                attempt.mkdir(parents=True)
                (attempt / "metadata.json").write_text(json.dumps({"success": False, "generation": step.number}))
                (attempt / "llm_response.txt").write_text(step.document)
                continue
            inside.mkdir(parents=True, exist_ok=True)
            (inside / "main.py").write_text(step.source.rstrip("\n"))
            if step.parent is not None:
                (inside / "original.py").write_text(sources[step.parent])
            if step.document is not None:
                (inside / "search_replace.txt").write_text(step.document)
            row = (step.source.rstrip("\n"), step.parent, step.number, step.score, 1, "{}")
            database.execute(add, (step.name, *row, 0))
            if step.parent is None:
                database.execute(add, (f"{step.name}-1", *row, 1))
    database.close()


def gepa(folder, steps):
    """Write the candidates that were kept, the log with their parents, and a state that nobody reads."""
    programs = [step for step in steps if step.source is not None]
    places = {step.name: place for place, step in enumerate(programs)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "candidates.json").write_text(json.dumps([{"current_candidate": step.source} for step in programs]))
    log = [
        {
            "i": 0,
            "selected_program_candidate": 0,
            "subsample_scores": [programs[0].score],
            "new_subsample_scores": [0.0],
        }
    ]
    for step in programs[1:]:
        event = {"i": step.number, "selected_program_candidate": places[step.parent], "subsample_scores": [0.5]}
        log.append({**event, "new_subsample_scores": [step.score], "new_program_idx": places[step.name]})
    (folder / "run_log.json").write_text(json.dumps(log))
    (folder / "gepa_state.bin").write_bytes(b"\x80\x04cos\nsystem\n.")


def pairs(folder, steps):
    """Write a folder for each document, with what it changes and, if there is something, what came of it."""
    sources = {step.name: step.source for step in steps}
    for step in steps:
        if step.document is not None:
            inside = folder / step.name
            inside.mkdir(parents=True)
            (inside / "parent.py").write_text(sources[step.parent])
            (inside / "patch.txt").write_text(step.document)
            if step.source is not None:
                (inside / "program.py").write_text(step.source)


LAYOUTS = {"openevolve": openevolve, "skydiscover": skydiscover, "shinka": shinka, "gepa": gepa, "pairs": pairs}
