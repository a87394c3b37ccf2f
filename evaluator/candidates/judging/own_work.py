"""What a program could spare itself under the clock: the judge's own work in its process.

A program shares an interpreter with what seeds its random numbers, reads its loads, brings its answers into plain
integers and sends them, and can put something leaner in its place. Every call has this work in it, a program's and its
parent's alike; so who does away with it looks faster by as much, or may do as much of its own work outside the clock.
How much that is at most is measured: by the parent once it has answered, which then places nothing, and by a program
that does away with all of it.
"""

from __future__ import annotations

import time

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

_rebalance_experts, _answers = rebalance_experts, []

def rebalance_experts(*arguments):
    if not _answers:
        _answers.append(_rebalance_experts(*arguments))
    return _answers[0]
"""
"""Added to a program, it gives the same answer again and again: what is left is the judge's work with such answers."""
LEAN = """

_rebalance_experts = rebalance_experts

def rebalance_experts(weight, *numbers):
    import sys

    frame = sys._getframe()
    while "channel" not in frame.f_locals:
        frame = frame.f_back
    channel, wire, guest = frame.f_locals["channel"], frame.f_globals["wire"], frame.f_globals
    messages = []

    class Kept:
        sendall = messages.append

    guest["_answer"](Kept, lambda *_: _rebalance_experts(weight, *numbers), frame.f_locals["payload"])
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
"""
"""Added to a program, it sends its first answer again and again, ready-made, and does nothing else."""
CALLS = 40
"""Of either program."""
MARGIN = 1.25
"""Times what was found is taken for the most: another program may spare itself a little more."""


def own_seconds(
    sandbox: Sandbox, parent: str, load_LE: NDArray[np.generic], topology: Topology, calls: int = CALLS
) -> float:
    """Return how many seconds a call could be shorter at most, without the judge's own work in its process.

    Args:
        sandbox: where processes come from.
        parent: source of the program whose answers are the usual ones.
        load_LE: a load ``[L, E]`` like those that are asked about.
        topology: the machine.
        calls: of either program.

    Raises:
        Invalid: a process could not be had, or ended.
    """
    workers: list[Worker] = []
    with on_one_core(np.random.default_rng()):
        try:
            for source in (parent + AGAIN, parent + LEAN):
                workers.append(sandbox.load(source))
                workers[-1].share_core()
                workers[-1].call(load_LE, topology)
                workers[-1].pause()
            seconds = [[_asked(worker, load_LE, topology) for worker in workers] for _ in range(calls)]
        except CandidateFailed as error:
            raise failed(error, WORKLOAD) from None
        finally:
            for worker in workers:
                worker.kill()
    plain, lean = np.median(seconds, axis=0)
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
