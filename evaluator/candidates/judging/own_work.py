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
from evaluator.candidates.judging.asking import Process, Question, question
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.pool import Sandbox
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
    sandbox: Sandbox, parent: Program, loads: Sequence[NDArray[np.generic]], topology: Topology, calls: int = CALLS
) -> float:
    """Return how many seconds a call could be shorter at most, without the judge's own work in its process.

    Args:
        sandbox: where processes come from.
        parent: the program whose answers are the usual ones.
        loads: ``[L, E]``, like those that are asked about.
        topology: the machine.
        calls: of either program, for each answer that is kept.

    Raises:
        Invalid: a program failed.
    """
    draw = np.random.default_rng()
    processes: list[Process] = []
    with on_one_core(draw):
        try:
            for more in (AGAIN.replace("KEPT", str(KEPT)), LEAN):
                program = Program(parent.name, parent.source + more)
                processes.append(Process(sandbox, program, loads[0], topology, draw))  # gives its first answer
            seconds = []
            for number in range(KEPT - 1 + KEPT * calls):
                asked = question(loads[number % len(loads)], topology, draw)
                seconds.append([_whole_call(process, asked) for process in processes])
        finally:
            for process in processes:
                process.end()
    found = np.array(seconds[KEPT - 1 :])  # what was before is the parent's own work
    plain = max(np.median(found[first::KEPT, 0]) for first in range(KEPT))
    return MARGIN * max(float(plain - np.median(found[:, 1])), 0.0)


def _whole_call(process: Process, asked: Question) -> float:
    """Return what a call takes from its seed to its maps, in and outside the clock."""
    process.make_ready(asked)
    began = time.perf_counter()
    process.ask()
    seconds = time.perf_counter() - began
    process.finish()
    return process.ready_seconds + seconds + process.rest_seconds
