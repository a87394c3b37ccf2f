"""Attacks go through the judge, each between two honest programs that must be judged alike."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from eplb_variants import Topology
from evaluator.analysis.score import Score
from evaluator.bench.attacks import attack as attacking
from evaluator.bench.attacks.attack import Attack
from evaluator.candidates.judging import schema
from evaluator.candidates.judging.judge import Judge
from evaluator.candidates.program import Program, example_program
from evaluator.candidates.sandbox.failure import CandidateFailed
from evaluator.candidates.sandbox.limits import Limits
from evaluator.candidates.settings import Settings
from evaluator.progress import Silent
from evaluator.results.store import Store
from evaluator.sweep.cell import Workload
from evaluator.sweep.stratum import Stratum
from evaluator.timing.settings import TimingSettings

WORKLOAD = {"kind": "synthetic", "num_layers": 3, "num_experts": 16, "top_k": 2, "num_groups": 4, "tokens": 4000}
TOPOLOGY, WINDOWS, TRACES = Topology(24, 4, 2, 4), 3, 8
MANY_TRACES = 40
"""Where an attack would place by what its twin saw, or is careless in some calls: what it gains or loses is then beyond
doubt."""
LIMITS = Limits(wall_seconds=600, total_seconds=600, cpu_seconds=10, memory_mib=400, file_mib=2)
"""What ends an attack is its CPU time or its memory, unless it says otherwise."""
TIMING = TimingSettings(rounds=6, min_rounds=6, seconds=0.0)
MARGIN = 1.1
"""An attack that knows how long the judge takes until it times waits longer by this factor."""
SAME = ("verdict", "balancedness_gpu_next", "balancedness_gpu_own", "score", "moved_slots")
"""Columns that an honest program must get as before."""
LITTERED = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/")
"""Where attacks may leave files, if they can."""


@dataclass(frozen=True)
class Got:
    """What an attack got.

    Attributes:
        words: the verdict, with the check that failed or what is said of its time.
        accepted: whether that is more than it deserves.
        harm: what was left of it: processes, another verdict on an honest program; empty for nothing.
    """

    words: str
    accepted: bool
    harm: str = ""

    @property
    def held(self) -> bool:
        """Return whether the attack came to nothing."""
        return not self.accepted and not self.harm


class Bench:
    """Judges attacks on a small workload; a context manager that owns a sandbox and a folder.

    Raises:
        EplbError: programs cannot be isolated here.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="eplb-attacks-"))
        try:
            self._judge = self._made(None)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self._timing_judge = copy.copy(self._judge)
        many = (_stratum(MANY_TRACES),)
        self._timing_judge.settings = dataclasses.replace(self._judge.settings, timing=TIMING, training=many)
        self._timing_judge._found = {}
        self._large_judge = copy.copy(self._judge)
        self._large_judge.settings = dataclasses.replace(self._judge.settings, training=many)
        self._large_judge._found = {}
        self._first: dict[str, Any] | None = None

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._judge.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def isolation(self) -> str:
        """Return the layers in force, in words."""
        return self._judge.isolation

    def _made(self, timing: TimingSettings | None) -> Judge:
        settings = Settings(
            training=(_stratum(TRACES),),
            held_out=(),
            suite=None,
            score=Score("plain", "", "balancedness_gpu_next", ""),
            timing=timing,
            limits=LIMITS,
        )
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        return Judge(example_program(), settings, Store(folder, schema.ARROW))

    def got(self, attack: Attack) -> Got:
        """Return what an attack got, and what was left of it."""
        if self._first is None:
            self._first = self._honest()
        before = descendants()
        run = secrets.token_hex(8)
        try:
            row = self._row(attack, run)
        except Exception as error:  # what no program should be able to bring about
            return Got(f"the judge ended: {type(error).__name__}: {error}"[:200], True, self._harm(before))
        finally:
            _clean(run)
        return dataclasses.replace(verdict_of(row, attack.deserves), harm=self._harm(before))

    def _row(self, attack: Attack, run: str) -> dict[str, Any]:
        if attack.judged == attacking.FROM_START:
            return self._from_the_start(attack, run)
        judges = {attacking.TIMED: self._timing_judge, attacking.TWICE: self._large_judge}
        judge = judges.get(attack.judged, self._judge)
        program = Program(attack.name, attack.source(run))
        twin = Program("twin", f"{program.source}\n# twin\n")
        with self._limits(judge, attack):
            if attack.judged == attacking.TWICE:
                judge.judge([twin])
            if attack.judged == attacking.BESIDE:
                both = copy.copy(judge)
                both.settings = dataclasses.replace(judge.settings, jobs=2)
                rows = both.judge([twin, program])
                return max(rows.values(), key=lambda row: _WORTH[str(row["verdict"])])
            return judge.judge([program])[program.key]

    def _from_the_start(self, attack: Attack, run: str) -> dict[str, Any]:
        """Judge an attack that knows, from a command like this one, how long it takes until times are taken."""
        later = 0.0
        for program in (self._program(), None):
            with contextlib.closing(self._made(TIMING)) as judge:
                age, began = _age(judge), time.monotonic()
                watch = _Watch()
                if program is None:
                    program = Program(attack.name, attack.source(run, later))
                row = judge.judge([program], watch)[program.key]
                later = MARGIN * (age + watch.timing_began - began)
        return row

    @staticmethod
    @contextlib.contextmanager
    def _limits(judge: Judge, attack: Attack) -> Iterator[None]:
        usual = judge.sandbox.limits
        judge.sandbox.limits = dataclasses.replace(usual, **attack.limits)
        try:
            yield
        finally:
            judge.sandbox.limits = usual

    @staticmethod
    def _program() -> Program:
        return Program("honest", f"{example_program().source}\n# {secrets.token_hex(8)}\n")

    def _honest(self) -> dict[str, Any]:
        """Return what an honest program gets."""
        program = self._program()
        row = self._judge.judge([program])[program.key]
        return {name: row[name] for name in SAME}

    def _harm(self, before: set[int]) -> str:
        """Return what an attack left behind, in words."""
        harm = []
        left = descendants() - before
        if left:
            harm.append(f"{len(left)} processes are left")
        try:
            after = self._honest()
        except Exception as error:
            return f"an honest program cannot be judged any more: {type(error).__name__}"
        if after != self._first:
            harm.append(f"an honest program is {after['verdict']} now")
        return ", ".join(harm)


def _stratum(traces: int) -> Stratum:
    """Return a small workload of so many traces, on a small machine."""
    workload = Workload("small", {**WORKLOAD, "windows": WINDOWS, "interval": 1, "max_windows": 0})
    return Stratum(workload, "small", TOPOLOGY, tuple(secrets.randbits(32) for _ in range(traces)))


class _Watch(Silent):
    """Notes when times begin to be taken."""

    timing_began = 0.0

    def start(self, what: str, total: int) -> None:
        """Note the time."""
        if what == "timing":
            self.timing_began = time.monotonic()


def _age(judge: Judge) -> float:
    """Return for how many seconds the process that programs are forked from has lived, as a program would tell it."""
    tell = "import logging, time\nbegan = logging._startTime\nbegan = began / 1e9 if began > 1e12 else began\n"
    try:
        judge.sandbox.load(f"{tell}raise RuntimeError(time.time() - began)").kill()
    except CandidateFailed as failure:
        with contextlib.suppress(ValueError):
            return float(failure.message)
    return 0.0


_WORTH = {
    schema.INVALID: 0,
    schema.TIMED_OUT: 0,
    schema.WORSE: 1,
    schema.IDENTICAL: 2,
    schema.NO_DIFFERENCE: 3,
    schema.BETTER: 4,
}


def verdict_of(row: dict[str, Any], deserves: str) -> Got:
    """Return what a row says an attack got, and whether that is more than it deserves.

    A program that is worse than its parent may be quicker: that is no gain.
    """
    verdict, quicker = str(row["verdict"]), row.get("time_verdict") == "faster"
    worth = _WORTH[verdict]
    accepted = {
        attacking.INVALID: worth > _WORTH[schema.INVALID],
        attacking.IDENTICAL: worth > _WORTH[schema.IDENTICAL] or verdict == schema.WORSE,
        attacking.NOT_IDENTICAL: verdict in (schema.IDENTICAL, schema.BETTER),
        attacking.NOT_BETTER: worth > _WORTH[schema.NO_DIFFERENCE],
        attacking.NOT_FASTER: worth > _WORTH[schema.NO_DIFFERENCE] or (quicker and worth > _WORTH[schema.WORSE]),
    }[deserves]
    more = [str(row[name]) for name in ("check", "time_verdict") if row.get(name)]
    return Got(f"{verdict} ({', '.join(more)})" if more else verdict, accepted)


def descendants() -> set[int]:
    """Return the processes below this one that have not ended."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z":
                    parents[int(entry.name)] = int(fields[1])
    found: set[int] = set()
    new = {os.getpid()}
    while new:
        new = {pid for pid, parent in parents.items() if parent in new} - found
        found |= new
    return found


def _clean(run: str) -> None:
    """Remove files that an attack left where it could."""
    for folder in LITTERED:
        for path in Path(folder).glob(f"eplb-attack-{run}*"):
            path.unlink(missing_ok=True)
