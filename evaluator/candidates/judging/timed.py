"""A program under the clock: what ``measure`` asks of a contestant, and what its answers are held to afterwards.

Shapes: W windows, L layers, E logical experts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from eplb_variants.loads import IntArray
from evaluator.candidates.judging.checks import STATE, WORKLOAD, Invalid, checked, failed
from evaluator.candidates.judging.decoys import Asked, asked_about
from evaluator.candidates.judging.trial import Trial, warmed_up
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.failure import CandidateFailed
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.candidates.sandbox.worker import Worker, call_bytes, read_answer
from evaluator.quality import metrics
from evaluator.sweep.stratum import Stratum
from evaluator.timing.prepare import chosen_windows

STALE = 0.002
"""Balancedness by which the timed answers of a program that draws them may be worse on average than the judged ones."""
CHANCE = 3.0
"""Standard deviations of the answers' balancedness by which those of a program that repeats itself may be worse."""


class TimedProgram:
    """A program made ready for rounds of timing: what ``measure`` asks of a contestant.

    Each round has a fresh process: loaded, warmed up, stopped until its first call and between its calls, and ended
    before the next round. It runs on the core of the thread that asks. The clock sees a call go out and the answer come
    back. So nothing that a process left running disturbs the one beside it. All answers are kept, to be looked at
    afterwards.

    Args:
        sandbox: where processes come from.
        program: what they run.
        stratum: whose windows it is asked about.
        repeats: calls of a round: one of them is for a window, the others for decoys.
        secret: what the loads of a round are drawn from, with its number. Two programs with one secret get the same.
        warm_up: calls before the first round, which has a process for each.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        program: Program,
        stratum: Stratum,
        repeats: int,
        secret: int,
        warm_up: int = 0,
    ) -> None:
        self.answers: list[tuple[int, int, IntArray]] = []
        """Traces and windows that were asked about, and the answers ``[L, P]``."""
        self.balances: list[tuple[int, int, bool, float]] = []
        """Of all loads, the trace, the window, whether it is that or a decoy, and the balancedness of the answer."""
        self._sandbox, self._program, self._traces, self._topology = sandbox, program, stratum.traces, stratum.topology
        self._repeats, self._secret, self._warm_up = repeats, secret, warm_up
        self._chosen = chosen_windows(min(map(len, stratum.traces)))
        self._worker: Worker | None = None
        self._process = 0
        self._left: list[Callable[[], None]] = []
        self._raw: list[tuple[int, Asked, bytes]] = []

    def __call__(self, round_number: int) -> Callable[[], object]:
        """Return the next call of a round; Invalid where the program does not come that far."""
        if not self._left:
            self._begin(self._chosen[round_number % len(self._chosen)])
        return self._left.pop(0)

    def _begin(self, window: int) -> None:
        """Ready a fresh process, and the calls that it gets."""
        self.end()
        number = 1 if self._warm_up else self._repeats
        if self._warm_up:
            self._warm_up -= 1
        else:
            self._process += 1
        draw = np.random.default_rng([self._secret, self._process])
        windows = [windows_WLE[window] for windows_WLE in self._traces]
        counting = [int(draw.integers(len(windows)))]
        asked = asked_about(windows, counting, number, self._topology, draw)
        worker = self._worker = warmed_up(self._sandbox, self._program, windows[0], self._topology)
        worker.share_core()
        worker.pause()
        for one in asked:
            self._left.append(partial(self._call, worker, call_bytes(one.load_LE, self._topology), window, one))

    def _call(self, worker: Worker, payload: bytes, window: int, asked: Asked) -> None:
        worker.go_on()
        try:
            self._raw.append((window, asked, worker.ask(payload)))
        except CandidateFailed as error:
            raise failed(error, WORKLOAD) from None
        worker.pause()

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process of this round."""
        return 0.0 if self._worker is None else self._worker.cpu_seconds()

    def kill(self) -> None:
        """End the process of the last round."""
        if self._worker is not None:
            self._worker.kill()
            self._worker = None
        self._left.clear()

    def end(self) -> None:
        """End the process of the last round, and read what it answered; Invalid where that is no placement."""
        self.kill()
        raw, self._raw = self._raw, []
        for window, (trace, counts, load_LE), payload in raw:
            try:
                answer = read_answer(payload)
            except CandidateFailed as error:
                raise failed(error, WORKLOAD) from None
            placement = checked(answer, load_LE.shape, self._topology, WORKLOAD)
            if counts:
                self.answers.append((trace, window, placement.phy2log))
            self.balances.append((trace, window, counts, metrics.balance(load_LE, placement).gpu))

    def check(self, trial: Trial) -> None:
        """See that the answers under the clock are those that were judged, on the first stratum.

        A program that repeats itself must give the very placements. One that draws random numbers of its own may
        differ, but on average not be worse. Neither may be worse for decoys than chance explains: the judged placement
        of a program that goes by the names of experts is one draw of what it does for renamed ones.

        Raises:
            Invalid: an answer is no placement, or not what the program answers without a clock.
        """
        self.end()
        judged = trial.replays[0]
        for trace, window, phy2log in self.answers:
            if trial.repeats and not np.array_equal(phy2log, judged[trace].placements[window]):
                raise Invalid(STATE, WORKLOAD, "an answer under the clock is not the one that was judged")
        worse = [
            (counts, judged[trace].rows[window]["balancedness_gpu_own"] - own)
            for trace, window, counts, own in self.balances
        ]
        itself, all_loads = [loss for real, loss in worse if real], [loss for _, loss in worse]
        too_much = bool(itself) and np.mean(itself) > STALE
        too_much |= bool(all_loads) and np.mean(all_loads) > STALE + CHANCE * np.std(all_loads)
        if too_much:
            raise Invalid(STATE, WORKLOAD, "the answers under the clock are worse than those that were judged")
