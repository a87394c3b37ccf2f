"""What a program could spare itself under the clock: the judge's own work in its process.

A program shares an interpreter with what reads its loads and sends its answers, and can put something leaner in its
place. Every call has this work in it, a program's and its parent's alike; so who does away with it looks faster by as
much. How much that is at most is measured: by two programs that place nothing, of which one does away with all of it.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from eplb_variants import Topology
from evaluator.candidates.judging.checks import WORKLOAD, failed
from evaluator.candidates.sandbox.failure import CandidateFailed
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.candidates.sandbox.worker import Worker, call_bytes, largest_answer
from evaluator.timing.alone import on_one_core

PLAIN = """
import torch

made = []

def rebalance_experts(weight, num_replicas, num_groups, num_nodes, num_gpus):
    if not made:
        made.append((torch.arange(num_replicas).repeat(len(weight), 1) % weight.shape[1]).int())
    return made[0]
"""
"""Its integers have half the width, so that bringing them into plain ones is some work, too."""
LEAN = """
import sys
import torch

def rebalance_experts(weight, num_replicas, num_groups, num_nodes, num_gpus):
    frame = sys._getframe()
    while "channel" not in frame.f_locals:
        frame = frame.f_back
    channel, wire = frame.f_locals["channel"], frame.f_globals["wire"]
    placed = (torch.arange(num_replicas).repeat(len(weight), 1) % weight.shape[1]).numpy()

    def message(kind, content=b""):
        return wire.FRAME.pack(kind, len(content)) + content

    result = message(wire.RESULT, wire.pack_arrays([placed]))
    maps = message(wire.MAPS, wire.pack_arrays([None, None]))
    ready = message(wire.READY)
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
CALLS = 40
"""Of either program."""
PAUSE_SECONDS = 0.001
"""Between two calls, in which caches are lost as between any others."""
MARGIN = 1.25
"""Times what was found is taken for the most: another program may spare itself a little more."""


def own_seconds(sandbox: Sandbox, load_LE: NDArray[np.generic], topology: Topology, calls: int = CALLS) -> float:
    """Return how many seconds a call could be shorter at most, without the judge's own work in its process.

    Args:
        sandbox: where processes come from.
        load_LE: a load ``[L, E]`` like those that are asked about.
        topology: the machine.
        calls: of either program.

    Raises:
        Invalid: a process could not be had, or ended.
    """
    workers: list[Worker] = []
    with on_one_core(np.random.default_rng()):
        try:
            for source in (PLAIN, LEAN):
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
    """Return the wall time of a call of a paused process, which is paused again."""
    payload, largest = call_bytes(load_LE, topology), largest_answer(load_LE.shape, topology)
    time.sleep(PAUSE_SECONDS)
    worker.go_on()
    worker.make_ready(0)
    began = time.perf_counter()
    phy2log = worker.ask(payload, largest)
    took = time.perf_counter() - began
    worker.rest_of(phy2log, load_LE.shape, topology)
    worker.pause()
    return took
