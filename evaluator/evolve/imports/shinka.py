"""What ShinkaEvolve left behind: ``gen_N/{main,original}.py``, ``search_replace.txt``, ``attempts/``, the database.

The database has lineage and scores, the folders have what the model answered. Either is read without the other. An
answer that ShinkaEvolve could not apply is in ``attempts/`` alone; it is taken to be for its generation's parent.
"""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import stat
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from evaluator.evolve.imports.left import LARGEST, LARGEST_NUMBER, Folder, Left, finite, number_in, text_in

DATABASES = ("programs.sqlite", "evolution_db.sqlite")
SECONDS = 60.0
"""That a database may take to be read."""
STEPS = 100_000
"""Of SQLite's between two looks at the clock."""
LARGEST_DATABASE = 4 << 30


def read(folder: Folder) -> list[Left] | None:
    """Return what ShinkaEvolve left behind."""
    generations = [path for path in folder.listed("", "gen_*") if re.fullmatch(r"gen_\d{1,9}", path.name)]
    database = next((name for name in DATABASES if folder.has(name)), None)
    if not generations and database is None:
        return None
    found = _of_database(folder, folder.path / database) if database else []
    if not database:
        folder.missing.append("there is no database: who is whose parent is known by the programs' text alone")
    kept = {program.number: program for program in found}
    more = [
        left
        for path in generations
        if (number := int(path.name[4:])) > 0 or number not in kept
        for left in _of_folder(folder, path, number, kept.get(number))
    ]
    named = {left.name for left in more}
    return sorted([one for one in found if one.name not in named] + more, key=lambda left: left.number)


def _of_folder(folder: Folder, path: Path, number: int, kept: Left | None) -> list[Left]:
    """Return the program of a generation, and the answers that could not be applied."""
    main, original = folder.text(path / "main.py"), folder.text(path / "original.py")
    documents = (folder.text(path / "search_replace.txt"), folder.text(path / "rewrite.txt"))
    document = next((text for text in documents if text), None)
    parent = kept.parent if kept else None
    found = []
    for attempt in folder.listed(path.name, "attempts/**/metadata.json"):
        values = folder.json(attempt)
        answer = folder.text(attempt.parent / "llm_response.txt")
        if isinstance(values, dict) and values.get("success") is False and answer:
            name = str(attempt.parent.relative_to(folder.path))
            found.append(Left(name, number, parent, None, answer, original, None, "shinka"))
    if kept is not None:
        found.append(replace(kept, document=document or kept.document, parent_source=original))
    elif main is not None:
        score = number_in(folder.json(path / "results" / "metrics.json"), "combined_score")
        found.append(Left(path.name, number, parent, main, document, original, score, "shinka"))
    return found


def _of_database(folder: Folder, path: Path) -> list[Left]:
    """Return the programs of a database, which is opened for reading and given little time."""
    try:
        if folder.leads_out(path):
            return []
        if not stat.S_ISREG(path.stat().st_mode) or path.stat().st_size > LARGEST_DATABASE:
            folder.put_down(path, "it is no regular file, or too large")
            return []
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
            database.text_factory = lambda data: data.decode("utf-8", "replace")
            until = time.monotonic() + SECONDS
            database.set_progress_handler(lambda: time.monotonic() > until, STEPS)
            database.execute("pragma trusted_schema = off")
            kind = database.execute("select type from sqlite_master where name = 'programs'").fetchone()
            if kind != ("table",):  # a view may be a program of its own
                folder.put_down(path, "it has no table of programs")
                return []
            columns = {row[1] for row in database.execute("pragma table_info(programs)")}
            wanted = ("id", "parent_id", "generation", "code", "combined_score", "metadata")
            chosen = ", ".join(name if name in columns else f"null as {name}" for name in wanted)
            rows = database.execute(f"select {chosen} from programs order by generation, id").fetchall()
    except (sqlite3.Error, OSError, OverflowError) as error:
        folder.put_down(path, f"the database cannot be read: {type(error).__name__}")
        return []
    programs = [_program(*row) for row in rows]
    return _without_copies([program for program in programs if program is not None])


def _program(name: Any, parent: Any, generation: Any, code: Any, score: Any, metadata: Any) -> Left | None:
    if (
        not isinstance(name, str)
        or not isinstance(code, str)
        or not isinstance(generation, int)
        or abs(generation) > LARGEST_NUMBER
    ):
        return None
    parent = parent if isinstance(parent, str) else None
    try:
        answer = text_in(json.loads(metadata), "llm_result") if isinstance(metadata, str) else None
    except (ValueError, RecursionError):
        answer = None
    return Left(name, generation, parent, code, answer, None, finite(score), "shinka")


def _without_copies(programs: list[Left]) -> list[Left]:
    """Return programs with one initial one, which every island has a copy of."""
    first: dict[str, str] = {}
    same: dict[str, str] = {}
    for program in programs:
        if program.number == 0 and program.parent is None and program.source is not None:
            same[program.name] = first.setdefault(program.source, program.name)
    return [
        replace(program, parent=same.get(program.parent or "", program.parent))
        for program in programs
        if same.get(program.name, program.name) == program.name
    ]
