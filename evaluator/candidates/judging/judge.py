"""The judge: distinct programs are tried, then timed one at a time beside their parent, and get a verdict each."""

from __future__ import annotations

import datetime
import os
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from threading import Lock
from typing import Any, NamedTuple, TypeVar

import numpy as np

from eplb_variants.errors import EplbError
from evaluator.analysis.statistics import Estimate, in_columns
from evaluator.candidates.judging import schema
from evaluator.candidates.judging.alike import twins
from evaluator.candidates.judging.checks import Invalid
from evaluator.candidates.judging.own_work import KEPT, own_seconds
from evaluator.candidates.judging.secrecy import check_secrecy
from evaluator.candidates.judging.stages import compared
from evaluator.candidates.judging.timing import SAME, ParentFailed, time_beside
from evaluator.candidates.judging.trial import Replays, Running, Trial, by_trace, replayed, try_out
from evaluator.candidates.judging.verdict import held_out_columns, judged_columns, scored_columns
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.candidates.settings import Settings
from evaluator.progress import Progress, Silent
from evaluator.results.machine import describe_machine, own_version
from evaluator.results.store import Store
from evaluator.sweep.identity import digest, timing_identity, verdict_identity
from evaluator.timing.alone import keep_to
from evaluator.timing.columns import timing_columns
from evaluator.workloads import UnusableWorkload

Row = dict[str, Any]
T = TypeVar("T")
TWINS = "twins"
"""Under which it is kept what programs and the parent are asked to see whether they place alike."""


class Tried(NamedTuple):
    """What is kept of a program that was tried.

    Attributes:
        program: which.
        row: its row, without times.
        seconds: wall time of its quickest answer; 0 where it failed.
        difference: to its parent in the headline metric, on the stratum that it is timed on.
        has_maps: whether it returns the other maps with its placements.
    """

    program: Program
    row: Row
    seconds: float = 0.0
    difference: Estimate = SAME
    has_maps: bool = True

    @property
    def is_worth_timing(self) -> bool:
        """Whether it is timed, where times are asked for: not what failed, and not what was given up."""
        return self.row["verdict"] not in (schema.INVALID, schema.TIMED_OUT) and not _given_up(self.row)


class Judge:
    """Judges programs against one parent; a context manager that owns the sandbox.

    Args:
        parent: which.
        settings: how they are judged.
        store: where verdicts are kept.
        machine: under what name times are kept; this machine if None.
        cores: those that programs are tried on; all that this process may use, in an order that is drawn, if None.

    Raises:
        UnusableWorkload: a workload cannot be used, as far as that is known without making its windows.
        EplbError: isolation is not to be had, results cannot be written, or candidates could read them.
    """

    def __init__(
        self,
        parent: Program,
        settings: Settings,
        store: Store,
        *,
        machine: str | None = None,
        cores: Sequence[int] | None = None,
    ) -> None:
        self.parent, self.settings, self.store = parent, settings, store
        self.machine = machine or describe_machine()
        self._cores = drawn_cores() if cores is None else list(cores)
        try:
            for stratum in (*settings.training, *settings.held_out):
                stratum.workload.check()
        except EplbError as error:
            raise UnusableWorkload(str(error)) from None
        check_secrecy(settings, store)
        store.prepare()
        self._lock = Lock()
        self._found: dict[str, Any] = {}
        self.sandbox = Sandbox(settings.isolation, settings.limits)

    def close(self) -> None:
        """End the sandbox."""
        self.sandbox.close()

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def isolation(self) -> str:
        """Return the layers between programs and this machine, in words."""
        return ", ".join(self.sandbox.layers) or "none"

    def key(self, program: Program) -> str:
        """Return the hash under which the verdict on a program is kept."""
        return digest(
            schema.SCORE_SCHEMA_VERSION,
            program.key,
            self.parent.key,
            self.settings.identity,
            self.sandbox.layers,
            verdict_identity(),
        )

    def judge(self, programs: Sequence[Program], progress: Progress | None = None) -> dict[str, Row]:
        """Return a row per distinct program, by ``Program.key``; what was judged before is read, not judged again.

        The parent is tried where there is something to be judged against it, or nothing at all.

        Raises:
            UnusableWorkload: a workload cannot be read or does not fit its topology.
            ParentUnusable: the parent does not pass the checks that candidates must pass.
            EplbError: results cannot be written.
        """
        progress = progress or Silent()
        rows, new = self.kept(programs)
        if new or not rows:
            self.try_parent()
        tried = self.try_all(new, progress)
        times = self.time_all(tried, progress)
        return rows | {one.program.key: one.row for one in tried} | times

    def kept(self, programs: Iterable[Program]) -> tuple[dict[str, Row], list[Program]]:
        """Return the rows of what was judged before, by ``Program.key``, and the distinct programs that were not."""
        rows: dict[str, Row] = {}
        new: dict[str, Program] = {}
        for program in programs:
            kept = self._kept(program)
            if kept is not None:
                rows[program.key] = kept
            else:
                new[program.key] = program
        return rows, list(new.values())

    def try_parent(self) -> None:
        """Try the parent, before anything is judged against it; ParentUnusable where it fails."""
        _ = self._parents_trial

    def try_all(self, programs: Sequence[Program], progress: Progress) -> list[Tried]:
        """Try distinct programs, ``settings.jobs`` of them beside each other, and keep a row without times of each."""
        progress.start("trying", len(programs))
        found = []
        cores = iter(_dealt(self._cores, self.settings.jobs))
        with ThreadPoolExecutor(self.settings.jobs, initializer=lambda: keep_to(next(cores))) as pool:
            for one in pool.map(self._attempt, programs):
                found.append(one._replace(row=self._write(one.program, one.row)))
                progress.step(one.program.name)
        return found

    def time_all(self, tried: Iterable[Tried], progress: Progress) -> dict[str, Row]:
        """Time what came through its trial, one program after the other, where times are asked for; keep a row each.

        Returns:
            the rows, by ``Program.key``.
        """
        if self.settings.timing is None:
            return {}
        worth = [one for one in tried if one.is_worth_timing]
        progress.start("timing", len(worth))
        rows = {}
        for one in worth:
            rows[one.program.key] = self._write(one.program, self._timed(one))
            progress.step(one.program.name)
        return rows

    def _attempt(self, program: Program) -> Tried:
        """Try a program on the training part and, where it is better there and not to be timed, on the held-out part.

        Nothing else is kept of it, however many programs there are.
        """
        parent, held_out = self._parents_trial, self.settings.held_out
        try:
            trial = self._tried(program, parent)
            row = judged_columns(trial, parent)
            if row["verdict"] == schema.BETTER and held_out and self.settings.timing is None:
                replays = replayed(self.sandbox, program, held_out)
                row |= held_out_columns(replays, self._parents_replays)
        except Invalid as error:
            return Tried(program, self._failed(program, error))
        difference = SAME
        if row["verdict"] != schema.IDENTICAL:
            first = (partial(by_trace, one.replays[:1]) for one in (trial, parent))
            difference = compared(*first).difference
        row = self._scored({**self._common(program), **row}, {})
        return Tried(program, row, trial.seconds, difference, trial.has_maps)

    def _scored(self, row: Row, times: Row, *, lean: bool = False) -> Row:
        return {**row, **scored_columns(row, self.settings.score, times, lean=lean), **times}

    @property
    def _parents_trial(self) -> Trial:
        """What the parent does on the training part; ParentUnusable where it fails."""
        return self._of_parent("training", self._try_parent)

    def _try_parent(self) -> Trial:
        self._found[TWINS] = twins(self.settings.training, np.random.default_rng(secrets.randbits(128)))
        return self._tried(self.parent, None)

    def _tried(self, program: Program, parent: Trial | None) -> Trial:
        settings = self.settings
        strict = settings.strict and parent is not None
        return try_out(self.sandbox, program, settings.training, parent, twins=self._found[TWINS], strict=strict)

    @property
    def _parents_replays(self) -> Replays:
        """What the parent does on the held-out part; ParentUnusable where it fails."""
        return self._of_parent("held out", lambda: replayed(self.sandbox, self.parent, self.settings.held_out))

    @property
    def _control(self) -> Estimate:
        """The ratio of the parent's time to its own, a control of all times; ParentUnusable where it fails."""
        stratum, timing = self.settings.training[0], self.settings.timing
        assert timing is not None
        side = self.parent, self._parents_trial.seconds
        return self._of_parent("control", lambda: time_beside(self.sandbox, side, side, stratum, timing).ratio)

    @property
    def _own_work(self) -> float:
        """How many seconds of a call are the judge's own work in a process; ParentUnusable where that fails."""
        stratum = self.settings.training[0]
        windows = stratum.traces[0]
        loads = [windows[number] for number in range(min(KEPT, len(windows)))]
        return self._of_parent("own work", lambda: own_seconds(self.sandbox, self.parent, loads, stratum.topology))

    def _of_parent(self, what: str, ask: Callable[[], T]) -> T:
        """Return what the parent was found to do, asked for once; ParentUnusable where it fails."""
        with self._lock:
            if what not in self._found:
                try:
                    self._found[what] = ask()
                except ParentFailed as error:
                    raise self._unusable(error.reason) from None
                except Invalid as error:
                    raise self._unusable(error) from None
            found: T = self._found[what]
            return found

    def _kept(self, program: Program) -> Row | None:
        """Return the row of a program that was judged before with these settings, and timed if that is asked for.

        What is invalid, or was given up, is never timed.
        """
        found = self.store.read(self.key(program))
        if not found:
            return None
        here = found[0]["timing_key"] == self._timing_key() and found[0]["timing_valid"]
        if found[0]["verdict"] == schema.TIMED_OUT:  # a busy machine may have been the reason
            return None
        untimed = found[0]["verdict"] == schema.INVALID or _given_up(found[0])
        return found[0] if self.settings.timing is None or here or untimed else None

    def _timing_key(self) -> str | None:
        timing = self.settings.timing
        return None if timing is None else digest(asdict(timing), timing_identity(), self.machine)

    def _write(self, program: Program, row: Row) -> Row:
        self.store.write(self.key(program), [row])
        return {**dict.fromkeys(schema.ARROW.names), **row}

    def _common(self, program: Program) -> Row:
        return {
            "schema_version": schema.SCORE_SCHEMA_VERSION,
            "key": self.key(program),
            "candidate": program.name,
            "program": program.key,
            "parent": self.parent.name,
            "parent_program": self.parent.key,
            "suite": self.settings.suite,
            "workload": self.settings.workload_name,
            "topology": self.settings.topology_name,
            "isolation": self.isolation,
            "score_name": self.settings.score.name,
            "version": own_version(),
            "machine": describe_machine(),
            "measured_at": datetime.datetime.now(datetime.UTC),
        }

    def _failed(self, program: Program, error: Invalid) -> Row:
        return {
            **self._common(program),
            "verdict": schema.TIMED_OUT if error.timed_out else schema.INVALID,
            "check": error.check,
            "check_load": error.load,
            "detail": error.detail,
        }

    def _timed(self, tried: Tried) -> Row:
        """Return the row of a program with its times.

        What is better in training places the held-out part meanwhile, window by window between the rounds of the
        clock: a program that tells how long the judge has been running cannot place well there and be quick here.
        """
        assert self.settings.timing is not None
        program, row = tried.program, tried.row
        held_out = self.settings.held_out if row["verdict"] == schema.BETTER else ()
        deadline = time.monotonic() + 2 * self.settings.limits.total_seconds  # of two parts
        running = Running(self.sandbox, program, held_out, deadline)
        between = [partial(running.go_on, 1)] * (running.windows if held_out else 0)
        try:
            sides = (program, tried.seconds), (self.parent, self._parents_trial.seconds)
            stratum, timing = self.settings.training[0], self.settings.timing
            found = time_beside(self.sandbox, *sides, stratum, timing, difference=tried.difference, between=between)
            if held_out:
                row = row | held_out_columns(running.replays, self._parents_replays)
        except ParentFailed as error:
            raise self._unusable(error.reason) from None
        except Invalid as error:
            return self._failed(program, error)
        times = timing_columns(found, timing, self.parent.name, self._timing_key() or "")
        times |= in_columns(self._control, schema.CONTROL[0]) | {schema.OWN_WORK: self._own_work}
        lean = self._parents_trial.has_maps and not tried.has_maps  # maps are part of its parent's time, not of its own
        row = self._scored(row, times, lean=lean) | {"measured_at": datetime.datetime.now(datetime.UTC)}
        return row | {"detail": schema.LEAN} if lean else row

    def _unusable(self, error: Invalid) -> ParentUnusable:
        return ParentUnusable(f"the parent {self.parent.name!r} cannot be judged against: {error}")


def _given_up(row: Row) -> bool:
    return bool(row["stage"] == schema.FIRST_WINDOWS)


def drawn_cores() -> list[int]:
    """Return the cores that this process may use, in an order that is drawn; none where the system does not say."""
    if not hasattr(os, "sched_getaffinity"):
        return []
    draw = np.random.default_rng(secrets.randbits(128))
    return [int(core) for core in draw.permutation(sorted(os.sched_getaffinity(0)))]


def _dealt(cores: Sequence[int], threads: int) -> list[int | None]:
    """Return a core for each of so many threads; None for each where there are none."""
    return [cores[number % len(cores)] if cores else None for number in range(threads)]


class ParentUnusable(EplbError):
    """The parent does not pass the checks that candidates must pass."""
