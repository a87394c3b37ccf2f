"""Programs of a study, judged one after the other by one judge, and what is known of them, for whoever asks again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from eplb_variants.errors import EplbError
from evaluator.analysis.columns import HEADLINE
from evaluator.candidates.documents.evolve_block import regions
from evaluator.candidates.judging import schema
from evaluator.candidates.judging.judge import Judge, ParentUnusable
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.limits import Limits
from evaluator.candidates.scoring import with_defaults
from evaluator.candidates.settings import Choices, settings_of
from evaluator.evolve.answers import (
    LOST,
    REJECTED_OUTSIDE,
    UNUSABLE,
    Answer,
    answer_on,
    failure,
    rejected,
)
from evaluator.evolve.keeping import keep, known, put_on_record
from evaluator.evolve.study import Study, key_of, normalised
from evaluator.results.store import Store
from evaluator.sweep.plan import Plan, make_plan
from evaluator.workloads import UnusableWorkload

RUN = "judged"
"""Folder of the judge's verdicts in a study's."""
LONGEST = 1 << 20
"""Characters of a program."""
OF_A_PROGRAM = 0.4
"""Part of an evaluation's seconds that a part of a judgement may take: the rest is for waiting and for the parent."""


class Scoring:
    """Judges the programs of a study; a context manager that owns the judge, which is made when it is first needed."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._judge: Judge | None = None
        self._baseline = 0.0
        self._unusable: str | None = None

    def __enter__(self) -> Scoring:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the judge."""
        if self._judge is not None:
            self._judge.close()
            self._judge = None

    def answer(self, source: str, asked: dict[str, Any] | None = None) -> Answer:
        """Return the answer on a program, from what is known or by judging it, and put it on record.

        Args:
            source: of the program, as an engine has it.
            asked: what is known of where it comes from, for the record: ``engine``, ``parent``, ``document``.
        """
        key = key_of(source)
        answer = known(self.study, key)
        if answer is None:
            answer = self._judged(key, normalised(source))
            keep(self.study, key, answer)
        put_on_record(self.study, source, asked or {}, answer)
        return answer

    def _judged(self, key: str, source: str) -> Answer:
        why = why_not_tried(source, self.study)
        if why is not None:
            return rejected(key, why)
        try:
            judge = self._ready()
            row = judge.judge([program := Program("program", source)])[program.key]
            return answer_on(key, row, self._baseline)
        except (ParentUnusable, UnusableWorkload) as error:
            self._unusable = str(error)
            self.close()
            return failure(UNUSABLE, str(error))
        except Exception as error:
            self.close()  # the next question begins with a judge of its own
            return failure(LOST, f"{type(error).__name__}: {error}")

    def _ready(self) -> Judge:
        """Return the judge; the first time, it has judged the seed program beside itself."""
        if self._unusable is not None:
            raise ParentUnusable(self._unusable)
        if self._judge is None:
            self._judge = judge_of(self.study)
            self._baseline = baseline_of(self._judge)
            self._judge.try_parent()  # no program waits for it
        return self._judge


def plan_of(study: Study, run: str = RUN, launching: Sequence[str] = ()) -> Plan:
    """Return the plan by which a study's programs are judged.

    Args:
        study: which.
        run: folder of the verdicts in the study's.
        launching: overrides that choose a launcher and set it up.
    """
    measure = "both" if study.time else "quality"
    overrides = [*with_defaults(study.overrides), *launching, f"measure={measure}"]
    return make_plan([*overrides, f"runs_dir={study.folder}", f"run={run}"])


def judge_of(study: Study, held_out: int = 0, run: str = RUN, *, jobs: int = 1, machine: str | None = None) -> Judge:
    """Return a judge of a study's programs, beside its seed program.

    Args:
        study: which.
        held_out: traces of the held-out part, which a search does not see.
        run: folder of the verdicts in the study's.
        jobs: programs tried beside each other.
        machine: under what name times are kept; this machine if None.
    """
    plan = plan_of(study, run)
    seconds = study.seconds * OF_A_PROGRAM
    limits = Limits(min(20.0, seconds), seconds)
    if plan.suite is None:
        choices = Choices(study.seed, limits, jobs=jobs, traces=study.traces, held_out=held_out)
        settings = settings_of(plan, choices)
    else:  # says which traces there are
        settings = settings_of(plan, Choices(limits=limits, jobs=jobs))
        settings = settings if held_out else dataclasses.replace(settings, held_out=())
    seed = Program("seed", normalised(study.seed_program))
    return Judge(seed, settings, Store(plan.folder, schema.ARROW), machine=machine)


def baseline_of(judge: Judge) -> float:
    """Return what the seed program reaches on the training part; ParentUnusable where it cannot be judged."""
    row = judge.judge([judge.parent])[judge.parent.key]
    baseline = row.get(f"{HEADLINE}_parent")
    if baseline is None:
        raise ParentUnusable(f"the seed program cannot be judged beside itself: {row['detail'] or row['verdict']}")
    return float(baseline)


def why_not_judged(judge: Judge) -> str | None:
    """Return why the programs of a study cannot be judged, in a sentence; None where they can."""
    try:
        baseline_of(judge)
    except (ParentUnusable, UnusableWorkload) as error:
        return str(error)
    return None


def why_not_tried(source: str, study: Study) -> str | None:
    """Return why a program is not tried, in words of our own; None where it is."""
    if len(source) > LONGEST:
        return f"it has {len(source):,} characters, and {LONGEST:,} are the most"
    try:
        source.encode("utf-8")
    except UnicodeEncodeError:
        return "it is not UTF-8"
    if not study.outside and outside_of_blocks(source) != outside_of_blocks(normalised(study.seed_program)):
        return REJECTED_OUTSIDE
    return None


def outside_of_blocks(source: str) -> list[str]:
    """Return the lines outside the EVOLVE-BLOCKs; none where there are no blocks, for then all may be changed."""
    lines = source.split("\n")
    try:
        found = regions(lines)
    except EplbError:
        return ["blocks that are not closed"]
    if found is None:
        return []
    inside = {number for first, last in found for number in range(first, last)}
    return [line for number, line in enumerate(lines) if number not in inside]
