"""What a program could spare itself under the clock: the judge's own work in its process.

A program shares an interpreter with what seeds its random numbers, reads its loads, brings its answers into plain
integers and sends them, and can put something leaner in its place. Every call has this work in it, a program's and its
parent's alike; so who does away with it looks faster by as much, or may do as much of its own work outside the clock.
How much that is at most is measured: by the parent once it has answered, which then places nothing, and by a program
that does away with all of it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eplb_variants import Topology
from evaluator.candidates.judging.asking import PAUSE_SECONDS, lose_caches
from evaluator.candidates.judging.checks import WORKLOAD, failed
from evaluator.candidates.sandbox.failure import CandidateFailed
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.candidates.sandbox.worker import Worker, call_bytes, largest_answer
from evaluator.timing.alone import on_one_core

AGAIN = """

def __eplb_again(place, kept=[], turn=[0]):
    def rebalance_experts(*arguments):
        globals()["rebalance_experts"] = place
        if len(kept) < KEPT:
            kept.append(place(*arguments))
        turn[0] += 1
        return kept[turn[0] % len(kept)]
    return rebalance_experts

rebalance_experts = __eplb_again(rebalance_experts)
"""
"""Added to a program, it gives its first answers again and again: what is left is the judge's work with them."""
LEAN = """

def __eplb_lean(place):
    def rebalance_experts(weight, *numbers):
        import sys

        globals()["rebalance_experts"] = place
        frame = sys._getframe()
        while "channel" not in frame.f_locals:
            frame = frame.f_back
        channel, payload, guest = frame.f_locals["channel"], frame.f_locals["payload"], frame.f_globals
        wire, messages = guest["wire"], []

        class Kept:
            sendall = messages.append

        guest["_answer"](Kept, lambda *_: place(weight, *numbers), payload)
        result, maps = messages
        ready = wire.FRAME.pack(wire.READY, 0)
        size = wire.FRAME.size + wire.CALL_HEAD.size + 4 * weight.numel()
        room = memoryview(bytearray(size))
        while True:
            channel.sendall(result)
            channel.sendall(maps)
            if not channel.recv_into(room):
                sys.exit()
            channel.sendall(ready)
            left = size
            while left:
                left -= channel.recv_into(room[:left])
    return rebalance_experts

rebalance_experts = __eplb_lean(rebalance_experts)
"""
"""Added to a program, it sends its first answer again and again, ready-made, and does nothing else."""
KEPT = 3
"""Answers that are given again, to different loads: those that are most work count."""
CALLS = 25
"""Of either program, for each of these answers."""
MARGIN = 1.1
"""Times what was found is taken for the most: another program may spare itself a little more."""


def own_seconds(
    sandbox: Sandbox, parent: str, loads: Sequence[NDArray[np.generic]], topology: Topology, calls: int = CALLS
) -> float:
    """Return how many seconds a call could be shorter at most, without the judge's own work in its process.

    Args:
        sandbox: where processes come from.
        parent: source of the program whose answers are the usual ones.
        loads: ``[L, E]``, like those that are asked about; the parent answers to the first ``KEPT``, over and over.
        topology: the machine.
        calls: of either program, for each answer that is kept.

    Raises:
        Invalid: a process could not be had, or ended.
    """
    workers: list[Worker] = []
    with on_one_core(np.random.default_rng()):
        try:
            for source in (parent + AGAIN.replace("KEPT", str(KEPT)), parent + LEAN):
                workers.append(sandbox.load(source))
                workers[-1].share_core()
                for number in range(KEPT):
                    workers[-1].call(loads[number % len(loads)], topology, seed=number)
                workers[-1].pause()
            seconds = [[_asked(worker, loads[0], topology) for worker in workers] for _ in range(KEPT * calls)]
        except CandidateFailed as error:
            raise failed(error, WORKLOAD) from None
        finally:
            for worker in workers:
                worker.kill()
    lean = np.median([lean for _, lean in seconds])
    plain = max(np.median([plain for plain, _ in seconds[first::KEPT]]) for first in range(KEPT))
    return MARGIN * max(float(plain - lean), 0.0)


def _asked(worker: Worker, load_LE: NDArray[np.generic], topology: Topology) -> float:
    """Return the wall time of a call of a paused process, from seed to maps; it is paused again."""
    payload, largest = call_bytes(load_LE, topology), largest_answer(load_LE.shape, topology)
    time.sleep(PAUSE_SECONDS)
    began = time.perf_counter()
    worker.go_on()
    worker.make_ready(0)
    before = time.perf_counter() - began
    worker.pause()
    lose_caches()
    began = time.perf_counter()
    worker.go_on()
    phy2log = worker.ask(payload, largest)
    worker.rest_of(phy2log, load_LE.shape, topology)
    took = time.perf_counter() - began
    worker.pause()
    return before + took
