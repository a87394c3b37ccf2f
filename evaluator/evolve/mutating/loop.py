"""The loop: a parent is chosen, a document made, applied, judged, and put on record; the record is the database.

It is what an evolution engine does, with a library where a model would be: so that the whole way from a document to a
generation to a database can be tried offline, and what comes of it can be told from what a model adds.
"""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eplb_variants.errors import EplbError
from evaluator.candidates.documents.matching import DEFAULT
from evaluator.candidates.reading import Reader
from evaluator.evolve.answers import JUDGED
from evaluator.evolve.mutating.library import Mutation, library
from evaluator.evolve.reporting import Found, history_of
from evaluator.evolve.scoring import Scoring
from evaluator.evolve.study import Study, key_of, normalised, read_study

ENGINE = "eplb"
"""Under which name programs are on record."""
BEST = 10
"""Programs that a parent is mostly chosen from."""
SHARE_OF_BEST = 0.7
TRIES = 200
"""Documents that a worker makes in vain before it gives up: the library may be used up."""
REJECTED = "rejected.jsonl"
"""Where documents that did not apply are kept, in a study's folder."""
TICK_SECONDS = 0.5


class UsedUp(EplbError):
    """Nothing new comes of the library."""


@dataclass(frozen=True)
class Child:
    """A program that a document made.

    Attributes:
        source: of it.
        document: that made it.
        parent: key of its parent.
    """

    source: str
    document: str
    parent: str


def search(
    study: Study, programs: int, workers: int = 1, seed: int = 0, told_of: Callable[[int], None] | None = None
) -> None:
    """Go on until so many distinct programs of a study were judged.

    Args:
        study: of any engine's; what is on its record is where the search begins.
        programs: in all, those that are on record already included.
        workers: processes that judge at the same time.
        seed: of the choices.
        told_of: called with the number of programs on record, now and then.

    Raises:
        EplbError: the seed program cannot be judged, a worker broke down, or nothing new comes of the library.
    """
    with Scoring(study) as scoring:  # what is wrong is said before anything is tried
        answer = scoring.answer(study.seed_program, {"engine": ENGINE})
    if answer["kind"] != JUDGED or not answer["correct"]:
        raise EplbError(f"the seed program cannot be searched from: {answer.get('message') or answer['feedback']}")
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_work, args=(str(study.folder), programs, seed, number, os.getpid()))
        for number in range(workers)
    ]
    for process in processes:
        process.start()
    try:
        while any(process.is_alive() for process in processes):
            processes[0].join(TICK_SECONDS)
            if told_of is not None:
                told_of(len(history_of(study).programs))
    finally:
        for process in processes:
            process.terminate()
            process.join()
    found = len(history_of(study).programs)
    if found < programs:
        if all(process.exitcode == 0 for process in processes):
            raise UsedUp(f"nothing new comes of the library after {found} programs")
        raise EplbError(f"{found} of {programs} programs are judged: a worker broke down; the same command goes on")


def _work(folder: str, programs: int, seed: int, number: int, parent: int) -> None:
    """Make and judge programs until there are enough; the program of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    signal.signal(signal.SIGTERM, lambda *_: os._exit(1))
    study, mutations = read_study(folder), library()
    with Scoring(study) as scoring, Reader(study.seed_program, DEFAULT) as reader:
        while os.getppid() == parent and len(known := history_of(study).programs) < programs:
            draw = np.random.default_rng([seed, number, len(known)])
            child = new_child(known, mutations, reader, draw, lambda line: put_down(study, line))
            if child is None:
                return
            told = {"engine": ENGINE, "parent": child.parent, "document": child.document}
            answer = scoring.answer(child.source, told)
            if answer["kind"] != JUDGED:
                raise RuntimeError(answer.get("message", answer["kind"]))


def new_child(
    known: Sequence[Found],
    mutations: Sequence[Mutation],
    reader: Reader,
    draw: np.random.Generator,
    rejected: Callable[[dict[str, Any]], None],
) -> Child | None:
    """Return a program that is not known yet; None where many tries make none.

    Args:
        known: programs of a study.
        mutations: of the library.
        reader: that applies documents.
        draw: of all that is chosen.
        rejected: told of each document that did not apply: ``parent``, ``mutation``, ``document`` and ``why``.
    """
    keys = {found.key for found in known}
    valid = sorted((found for found in known if found.answer.get("correct")), key=lambda found: -found.score)
    for _ in range(TRIES):
        among = valid[:BEST] if draw.random() < SHARE_OF_BEST else valid
        parent = among[int(draw.integers(len(among)))]
        mutation = mutations[int(draw.integers(len(mutations)))]
        document = mutation.document_for(normalised(parent.source), draw)
        if document is None:
            continue
        made = reader.apply(document, normalised(parent.source), DEFAULT, mutation.name)
        if made.program is None:
            told = {"parent": parent.key, "mutation": mutation.name, "document": document, "why": made.reason}
            rejected(told)
        elif key_of(made.program) not in keys:
            return Child(made.program, document, parent.key)
    return None


def put_down(study: Study, line: dict[str, Any]) -> None:
    """Keep a document that did not apply."""
    with (study.folder / REJECTED).open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps(line) + "\n")
