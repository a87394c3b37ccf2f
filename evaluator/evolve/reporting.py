"""What a search found, and what of it holds on traces that no search has seen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from eplb_variants.errors import printable
from evaluator.analysis.paired import Paired
from evaluator.candidates.judging import schema
from evaluator.candidates.program import Program
from evaluator.candidates.settings import HELD_OUT_TRACES
from evaluator.evolve.answers import JUDGED
from evaluator.evolve.imports.left import finite
from evaluator.evolve.keeping import TOLD, record_of
from evaluator.evolve.scoring import judge_of
from evaluator.evolve.steps import step, with_all
from evaluator.evolve.study import Study, normalised

_NAME = re.compile(r"<NAME>([^<]{1,400})</NAME>")
CONFIRMED_RUN = "confirmed"
"""Folder of the verdicts with a held-out part in a study's."""


@dataclass
class Found:
    """A program of a study.

    Attributes:
        key: of it.
        number: its place among the distinct programs, by when it was asked first, from 1.
        source: as it was asked first.
        at: when that was.
        engine: who asked; None where nobody said.
        parent: its parent, as the engine names it, or the key of its program; None where it is not known.
        document: that made it of its parent; None where it is not known.
        asked: how often.
        answer: what was told.
        row: of the judge who held it against the held-out part too; empty where none did.
    """

    key: str
    number: int
    source: str
    at: str
    engine: str | None
    parent: str | None
    document: str | None = None
    asked: int = 0
    answer: dict[str, Any] = field(default_factory=dict)
    row: dict[str, Any] = field(default_factory=dict)

    @property
    def idea(self) -> str:
        """What the document that made it calls itself; empty where it does not say."""
        named = _NAME.search(self.document or "")
        return " ".join(named[1].split()) if named else ""

    @property
    def score(self) -> float:
        """Its ``combined_score``."""
        return float(self.answer.get("combined_score", 0.0))


@dataclass(frozen=True)
class History:
    """What is on record of a study.

    Attributes:
        programs: distinct ones that were judged, in the order in which they were first asked about.
        asked: questions in all.
        failures: answers without a score, by kind: the bench's, not a program's.
        unread: lines of the record that are no whole line.
    """

    programs: list[Found]
    asked: int
    failures: dict[str, int]
    unread: int

    @property
    def verdicts(self) -> dict[str, int]:
        """How many programs got each verdict, in the order of ``schema.VERDICTS``."""
        counted = Counter(found.answer["verdict"] for found in self.programs)
        return {verdict: counted[verdict] for verdict in schema.VERDICTS if counted[verdict]}

    def best(self, number: int) -> list[Found]:
        """Return the best programs that are better than the seed program in training, at most so many."""
        better = [found for found in self.programs if found.answer["verdict"] == schema.BETTER]
        return sorted(better, key=lambda found: -found.score)[:number]


def _is_whole(line: dict[str, Any]) -> bool:
    """Return whether a line of the record, a stranger's perhaps, is such as are written."""
    answer = line.get("answer")
    if not all(isinstance(line.get(name), str | None) for name in TOLD):
        return False
    if answer is None:
        return True
    if not (isinstance(answer, dict) and isinstance(answer.get("kind"), str)):
        return False
    texts = (line.get("source"), line.get("at"), answer.get("verdict"))
    is_judged = all(isinstance(text, str) for text in texts) and answer["verdict"] in schema.VERDICTS
    is_judged = is_judged and finite(answer.get("combined_score")) is not None
    return answer["kind"] != JUDGED or (is_judged and isinstance(answer.get("metrics"), dict))


def history_of(study: Study) -> History:
    """Return what is on record of a study."""
    found: dict[str, Found] = {}
    failures: Counter[str] = Counter()
    asked = unread = 0
    for line in record_of(study.folder):
        asked += 1
        if line is None:
            unread += 1
            continue
        key, answer = str(line.get("program")), line.get("answer")
        if not _is_whole(line):
            unread += 1
            continue
        if answer is not None and answer["kind"] != JUDGED:
            failures[printable(str(answer["kind"]))] += 1
            continue
        if answer is not None and key not in found:
            engine, parent, document = (line.get(name) for name in TOLD)
            engine = engine and printable(engine)
            found[key] = Found(key, len(found) + 1, line["source"], line["at"], engine, parent, document)
        if key in found:
            found[key].asked += 1
            found[key].answer = answer or found[key].answer
    return History(list(found.values()), asked, dict(failures), unread)


@dataclass(frozen=True)
class Step:
    """What a program of a lineage did to its parent.

    Attributes:
        child: it.
        parent: of it.
        paired: the difference on the windows that both were judged on; None where one was not judged whole.
        verdict: on it, corrected for all steps of the lineage.
    """

    child: Found
    parent: Found
    paired: Paired | None
    verdict: str | None


def lineage_of(history: History, found: Found) -> list[Found]:
    """Return a program and its ancestors, as far as parents are on record by the keys of their programs."""
    by_key = {one.key: one for one in history.programs}
    chain = [found]
    while (parent := by_key.get(chain[-1].parent or "")) is not None and parent not in chain:
        chain.append(parent)
    return chain


def confirm(
    study: Study, chosen: list[Found], held_out: int = HELD_OUT_TRACES, lineage: Sequence[Found] = ()
) -> list[Step]:
    """Judge programs once more with a held-out part, which says what is confirmed; what was so judged is read.

    Args:
        study: whose.
        chosen: each gets its ``row``.
        held_out: traces of the held-out part.
        lineage: a program and its ancestors, which are judged too.

    Returns:
        what each step of the lineage did, the last one first.

    Raises:
        ParentUnusable, UnusableWorkload: nothing can be judged.
    """
    every = {found.key: found for found in (*chosen, *lineage)}
    if not every:
        return []
    programs = {key: Program(f"#{found.number}", normalised(found.source)) for key, found in every.items()}
    with judge_of(study, held_out, CONFIRMED_RUN) as judge:
        rows = judge.judge(list({program.key: program for program in programs.values()}.values()))
        strata = judge.settings.training
    for key, found in every.items():
        found.row = rows[programs[key].key]
    pairs = list(pairwise(lineage))
    steps = [step(child.row, parent.row, strata) for child, parent in pairs]
    return [
        Step(child, parent, paired, verdict)
        for (child, parent), paired, verdict in zip(pairs, steps, with_all(steps), strict=True)
    ]
