"""The judge: distinct programs are tried, then timed one at a time beside their parent, and get a verdict each."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from eplb_variants import EplbError
from evaluator.analysis.statistics import Estimate
from evaluator.candidates.judging import schema
from evaluator.candidates.judging.checks import Invalid
from evaluator.candidates.judging.timing import ParentFailed, time_beside
from evaluator.candidates.judging.trial import Trial, try_out
from evaluator.candidates.judging.verdict import judged_columns
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.candidates.settings import Settings
from evaluator.progress import Progress, Silent
from evaluator.results.machine import describe_machine, own_version
from evaluator.results.store import Store
from evaluator.sweep.identity import digest, timing_identity, verdict_identity
from evaluator.timing.columns import timing_columns
from evaluator.timing.rounds import Timing
from evaluator.workloads import UnusableWorkload
from evaluator.workloads.windows import WindowSequence

Row = dict[str, Any]


class Judge:
    """Judges programs against one parent; a context manager that owns the sandbox.

    Raises:
        UnusableWorkload: the workload cannot be read or does not fit the topology.
        ParentUnusable: the parent does not pass the checks that candidates must pass.
        EplbError: isolation is not to be had, or results cannot be written.
    """

    def __init__(self, parent: Program, settings: Settings, store: Store) -> None:
        self.parent, self.settings, self.store = parent, settings, store
        try:
            self.windows: WindowSequence = settings.workload.windows(settings.seed)
            settings.topology.check_experts(self.windows.shape[2])
        except EplbError as error:
            raise UnusableWorkload(str(error)) from None
        store.prepare()
        self._control: Estimate | None = None
        self.sandbox = Sandbox(settings.isolation, settings.limits)
        try:
            self._parent_trial = try_out(self.sandbox, parent, self.windows, settings.topology)
        except Invalid as error:
            self.close()
            raise self._unusable(error) from None
        except BaseException:
            self.close()
            raise

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
        settings = self.settings
        return digest(
            schema.SCORE_SCHEMA_VERSION,
            program.key,
            self.parent.key,
            settings.workload.identity,
            settings.seed,
            asdict(settings.topology),
            asdict(settings.limits),
            settings.score.formula,
            settings.isolation,
            self.sandbox.layers,
            verdict_identity(),
        )

    def judge(self, programs: Sequence[Program], progress: Progress | None = None) -> dict[str, Row]:
        """Return a row per distinct program, by ``Program.key``; what was judged before is read, not judged again."""
        progress = progress or Silent()
        rows: dict[str, Row] = {}
        new: dict[str, Program] = {}
        for program in programs:
            kept = self._kept(program)
            if kept is not None:
                rows[program.key] = kept
            else:
                new[program.key] = program
        progress.start("trying", len(new))
        trials: dict[str, Trial] = {}

        def attempt(program: Program) -> tuple[Program, Trial | Invalid]:
            try:
                return program, try_out(self.sandbox, program, self.windows, self.settings.topology)
            except Invalid as error:
                return program, error

        with ThreadPoolExecutor(self.settings.jobs) as pool:
            for program, result in pool.map(attempt, new.values()):
                if isinstance(result, Invalid):
                    rows[program.key] = self._write(program, self._failed(program, result))
                else:
                    trials[program.key] = result
                    rows[program.key] = self._write(program, self._judged(program, result, None))
                progress.step(program.name)
        if self.settings.timing is not None:
            progress.start("timing", len(trials))
            for key, trial in trials.items():
                rows[key] = self._write(new[key], self._timed(new[key], trial))
                progress.step(new[key].name)
        return rows

    def _kept(self, program: Program) -> Row | None:
        """Return the row of a program that was judged before with these settings, and timed if that is asked for."""
        found = self.store.read(self.key(program))
        if not found:
            return None
        here = found[0]["timing_key"] == self._timing_key() and found[0]["timing_valid"]
        if found[0]["verdict"] == schema.TIMED_OUT:  # a busy machine may have been the reason
            return None
        return found[0] if self.settings.timing is None or here or found[0]["verdict"] == schema.INVALID else None

    def _timing_key(self) -> str | None:
        timing = self.settings.timing
        return None if timing is None else digest(asdict(timing), timing_identity(), describe_machine())

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
            "workload": self.settings.workload.name,
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

    def _timed(self, program: Program, trial: Trial) -> Row:
        assert self.settings.timing is not None
        try:
            sides = (program, trial), (self.parent, self._parent_trial)
            timing = time_beside(self.sandbox, *sides, self.windows, self.settings.topology, self.settings.timing)
        except ParentFailed as error:
            raise self._unusable(error.reason) from None
        except Invalid as error:
            return self._failed(program, error)
        return self._judged(program, trial, timing)

    def _controlled(self) -> Estimate:
        """Return the ratio of the parent's time to its own, measured once: a control for all of this judge's times."""
        if self._control is None:
            assert self.settings.timing is not None
            side = self.parent, self._parent_trial
            source = self.windows, self.settings.topology, self.settings.timing
            try:
                self._control = time_beside(self.sandbox, side, side, *source).ratio
            except ParentFailed as error:
                raise self._unusable(error.reason) from None
            except Invalid as error:
                raise self._unusable(error) from None
        return self._control

    def _unusable(self, error: Invalid) -> ParentUnusable:
        return ParentUnusable(f"the parent {self.parent.name!r} cannot be judged against: {error}")

    def _judged(self, program: Program, trial: Trial, timing: Timing | None) -> Row:
        times: Row = {}
        if timing is not None and self.settings.timing is not None:
            times = timing_columns(timing, self.settings.timing, self.parent.name, self._timing_key() or "")
            times |= dict(zip(schema.CONTROL, self._controlled()[:3], strict=True))
        judged = judged_columns(trial, self._parent_trial, self.settings.score, times)
        return {**self._common(program), **judged, **times}


class ParentUnusable(EplbError):
    """The parent does not pass the checks that candidates must pass."""
