"""Candidates judged in the jobs of a launcher: quality in shares, at the same time; then all times in one job.

Every job has a sandbox of its own and tries the parent for itself, on the same traces as all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from eplb_variants.errors import EplbError
from evaluator.candidates.judging.judge import Judge, ParentUnusable, Row, Tried, drawn_cores
from evaluator.candidates.program import Program
from evaluator.candidates.settings import Settings
from evaluator.config.launching import Capacity, Failure, capacity, launch
from evaluator.progress import Progress, Silent
from evaluator.results.store import Store
from evaluator.sweep.watching import Watching
from evaluator.workloads import UnusableWorkload

TIMES = "times"
"""The share that takes the times: one job, so that no other program runs beside it."""


@dataclass(frozen=True)
class Shares:
    """The shares of what is to be judged, as a launcher's process carries them out: called with the number of one.

    Args:
        parent: what programs are judged against.
        settings: how they are judged.
        store: where verdicts are kept.
        machine: under what name times are kept.
        programs: those that are tried, by number of the share.
        cores: those that each share's programs are tried on; None for all that a job has.
        tried: those that are timed.
    """

    parent: Program
    settings: Settings
    store: Store
    machine: str
    programs: tuple[tuple[Program, ...], ...]
    cores: tuple[tuple[int, ...] | None, ...]
    tried: tuple[Tried, ...] = ()

    def __call__(self, number: str) -> list[Tried] | dict[str, Row] | EplbError:
        """Try one share, or take all times; return what came of it, or why nothing can be judged."""
        cores = None if number == TIMES else self.cores[int(number)]
        try:
            with Judge(self.parent, self.settings, self.store, machine=self.machine, cores=cores) as judge:
                if number == TIMES:
                    return judge.time_all(self.tried, Silent())
                return judge.try_all(self.programs[int(number)], Silent())
        except (ParentUnusable, UnusableWorkload) as error:  # to be told from what is wrong with one job
            return error


def dealt(programs: Sequence[Program], can: Capacity) -> tuple[tuple[Program, ...], ...]:
    """Return programs as shares of about one size, one for each job that a launcher can run at once.

    Neighbours, which are often alike, go to different shares, so that these end at about the same time.
    """
    number = min(can.jobs, len(programs))
    return tuple(tuple(programs[first::number]) for first in range(number))


def judge_in_jobs(
    judge: Judge, programs: Sequence[Program], launcher: Sequence[str], progress: Progress
) -> dict[str, Row]:
    """Return a row per distinct program, as ``Judge.judge`` does; a launcher's jobs do the work.

    Args:
        judge: the one of this process, which says what was judged before, and how the others are judged.
        programs: to be judged.
        launcher: the overrides that choose and set it up.
        progress: told of each program.

    Raises:
        ParentUnusable: the parent does not pass the checks that candidates must pass.
        UnusableWorkload: a workload cannot be read or does not fit its topology.
        EplbError: a job was lost, or said that it cannot go on; what was judged is kept.
    """
    rows, new = judge.kept(programs)
    if not new:
        return rows
    can = capacity(launcher)
    parts = dealt(new, can)
    cores = _cores_of(len(parts)) if can.here else (None,) * len(parts)
    shares = Shares(judge.parent, judge.settings, judge.store, judge.machine, parts, cores)
    names = {judge.key(program): program.name for program in new}
    folder = judge.store.folder
    progress.start("trying", len(new))
    with Watching(judge.store, names, progress):
        done = _returned(launch(shares, [str(number) for number in range(len(parts))], launcher, folder))
    tried = [one for share in done for one in share]
    rows |= {one.program.key: one.row for one in tried}
    worth = tuple(one for one in tried if one.is_worth_timing)
    if judge.settings.timing is None or not worth:
        return rows
    progress.start("timing", len(worth))
    with Watching(judge.store, {judge.key(one.program): one.program.name for one in worth}, progress):
        (times,) = _returned(launch(replace(shares, tried=worth), [TIMES], launcher, folder))
    return rows | times


def _cores_of(shares: int) -> tuple[tuple[int, ...] | None, ...]:
    """Return cores of this machine for each share, its own as far as there are so many."""
    cores = drawn_cores()
    return tuple((*cores[share::shares],) or (cores[share % len(cores)],) if cores else None for share in range(shares))


def _returned(done: list[Any]) -> list[Any]:
    """Return what jobs returned; an EplbError where one did not."""
    for one in done:
        if isinstance(one, EplbError):
            raise one
    said = [one.words for one in done if isinstance(one, Failure)]
    if said:
        raise EplbError(
            f"{len(said)} of the launcher's jobs failed; what was judged is kept, the same command goes on: {said[0]}"
        )
    return done
