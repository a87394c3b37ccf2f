"""Files of candidates in, what is to be said of each of them out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eplb_variants.errors import EplbError, unknown
from evaluator.candidates.docket import candidate_files, read_entries, report_on
from evaluator.candidates.documents.document import why_no_program
from evaluator.candidates.documents.matching import DEFAULT, MATCHINGS
from evaluator.candidates.jobs import judge_in_jobs
from evaluator.candidates.judging.judge import Judge, ParentUnusable
from evaluator.candidates.judging.schema import ARROW
from evaluator.candidates.program import Program, example_program, read_program
from evaluator.candidates.settings import Choices, settings_of
from evaluator.progress import Progress, Silent
from evaluator.results.store import Store
from evaluator.sweep.plan import Plan
from evaluator.sweep.suite import suite_apart
from evaluator.sweep.work import machine_of_times

DEFAULTS = ("workload=quick", "run=scores")
"""Overrides that stand ahead of a user's where candidates are judged: a small workload, a run folder of its own."""


def with_defaults(overrides: Iterable[str]) -> list[str]:
    """Return a user's overrides with those of ``DEFAULTS`` ahead that a suite among them does not stand for."""
    given = list(overrides)
    return [*(DEFAULTS if suite_apart(given)[0] is None else DEFAULTS[1:]), *given]


@dataclass(frozen=True)
class Scores:
    """What came of judging candidates.

    Attributes:
        heading: what was done: ``parent``, ``matching``, ``isolation``, ``suite``, ``workload``, ``topology``,
            ``folder``, and the numbers of distinct ``programs``, ``training_traces`` and ``held_out_traces``.
        rows: what is to be said of each document, in the order given, under the names of the columns of
            ``judging/schema.py`` and ``path``, ``notes``, ``same_as`` (an earlier candidate with the same program),
            ``feedback`` (what may be told a model).
    """

    heading: dict[str, Any]
    rows: list[dict[str, Any]]


def score_candidates(
    paths: Iterable[str | Path],
    plan: Plan,
    *,
    parent: Program | str | Path | None = None,
    matching: str = DEFAULT,
    choices: Choices | None = None,
    progress: Progress | None = None,
) -> Scores:
    """Judge candidates against their parent, each distinct program once, and keep the verdicts in the plan's folder.

    A program that was judged there before, with the same settings, is not judged again.

    Args:
        paths: files of candidates, or folders of such files.
        plan: which workload, topology, score and timing to judge by, and where results go; what ``eplb score`` judges
            by is made of ``with_defaults``.
        parent: what the candidates change, a program or its file; the example program if None.
        matching: how a SEARCH is matched, one of ``MATCHINGS``.
        choices: what may be chosen beside the plan; the usual ones if None.
        progress: who is told of the steps.

    Raises:
        UnusableWorkload: the workload cannot be read or does not fit the topology.
        ParentUnusable: the parent cannot be read, or does not pass the checks that candidates must pass.
        EplbError: a path does not exist, there is no such matching or isolation, or results cannot be written.
    """
    if matching not in MATCHINGS:
        raise unknown("matching", matching, MATCHINGS)
    files = candidate_files(paths)
    store = Store(plan.folder, ARROW)
    store.prepare()
    settings = settings_of(plan, choices)
    program = _parent(parent)
    entries = read_entries(files, program, matching, progress, paths)
    programs: dict[str, Program] = {}
    for entry in entries:
        if entry.program is not None:
            programs.setdefault(entry.program.key, entry.program)
    launcher, distinct = plan.launcher, list(programs.values())
    with Judge(program, settings, store, machine=machine_of_times(launcher)) as judge:
        if launcher:
            verdicts = judge_in_jobs(judge, distinct, launcher, progress or Silent())
        else:
            verdicts = judge.judge(distinct, progress)
        layers = judge.isolation
    heading = {"parent": program.name, "matching": matching, "isolation": layers, "programs": len(programs)}
    heading |= {"suite": settings.suite, "workload": settings.workload_name, "topology": settings.topology_name}
    heading |= {f"{name}_traces": sum(len(one.seeds) for one in part) for name, part in settings.parts.items()}
    heading |= {"folder": str(store.folder)}
    return Scores(heading, report_on(entries, verdicts))


def _parent(given: Program | str | Path | None) -> Program:
    if given is None:
        return example_program()
    if isinstance(given, Program):
        return given
    try:
        program = read_program(given)
    except EplbError as error:
        raise ParentUnusable(str(error)) from None
    why = why_no_program(program.source)
    if why is not None:
        raise ParentUnusable(
            f"the parent {program.name!r} cannot be judged against: it is no Python program ({why}); where it is a "
            "document, eplb apply -o FILE makes a program of it"
        )
    return program
