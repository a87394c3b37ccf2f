"""A child process with one program: asked one window at a time, paused, and ended."""

from __future__ import annotations

import shutil
import signal
import socket
import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from eplb_variants import Topology
from evaluator.candidates.sandbox import wire
from evaluator.candidates.sandbox.failure import GARBAGE, KILLED, TIMED_OUT, CandidateFailed, told_failure
from evaluator.candidates.sandbox.limits import Limits
from evaluator.candidates.sandbox.process import Process, told_status

ROOM = 1 << 16
"""Bytes of an answer beyond those of the shape asked for: enough to say which shape it has instead."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What a program returned: integers of any shape and value, to be checked; None for what it left out."""

    phy2log: NDArray[np.int64] | None
    log2phy: NDArray[np.int64] | None
    logcnt: NDArray[np.int64] | None


class Owner(Protocol):
    """Who had the process forked: knows its limits, and how it ended."""

    limits: Limits

    def reap(self, process: Process) -> tuple[int, float]:
        """Return the wait status and the CPU time of a child that has ended or was killed."""


class Worker:
    """A child process with one program, asked one window at a time."""

    def __init__(self, sandbox: Owner, process: Process, channel: socket.socket, scratch: str | None) -> None:
        self.layers: list[str] = []
        self.process = process
        self._sandbox, self._channel, self._scratch = sandbox, channel, scratch
        self._ended: tuple[int, float] | None = None
        channel.settimeout(sandbox.limits.wall_seconds + 1)

    def load(self, source: str) -> None:
        """Load a program; CandidateFailed where that does not work."""
        self._exchange(wire.LOAD, source.encode(), wire.LOADED)

    def call(self, load_LE: NDArray[np.generic], topology: Topology, seed: int = 0) -> Answer:
        """Return what the program answers for ``load [L, E]``.

        Args:
            load_LE: tokens of each expert.
            topology: the machine to place on.
            seed: of all random numbers, ``0 <= seed < 2**32``.

        Raises:
            CandidateFailed: it crashed, did not answer in time, or answered with what is no answer.
        """
        self.make_ready(seed)
        phy2log = self.ask(call_bytes(load_LE, topology), largest_answer(load_LE.shape, topology))
        return self.rest_of(phy2log, load_LE.shape, topology)

    def make_ready(self, seed: int) -> None:
        """Seed all random numbers; CandidateFailed where that fails, or the program says more than it was asked."""
        self._exchange(wire.SEED, wire.pack_seed(seed), wire.READY)
        if not wire.is_silent(self._channel):  # what waits here would be taken for the answer, before the question
            self.kill()
            raise CandidateFailed(GARBAGE, message="a message out of turn")

    def ask(self, payload: bytes, largest: int) -> bytearray:  # nothing but the exchange: this is what is timed
        """Return raw ``phy2log``, of ``largest`` bytes at most, for a call that was made ready before."""
        return self._exchange(wire.CALL, payload, wire.RESULT, largest)

    def rest_of(self, phy2log: bytearray, shape: tuple[int, ...], topology: Topology) -> Answer:
        """Return the answer that begins with raw ``phy2log``; the other maps are read, for a load of this shape."""
        num_layers, num_experts = shape
        widest = (num_layers, num_experts, topology.num_slots)
        rest = self._exchange(None, b"", wire.MAPS, wire.size_of_arrays(widest, widest[:2]) + ROOM)
        return Answer(*_arrays(phy2log, 1), *_arrays(rest, 2))

    def cpu_seconds(self) -> float:
        """Return the CPU time that the process has used in its life; 0 when it has ended."""
        return self.process.cpu_seconds() if self._ended is None else 0.0

    def waited_seconds(self) -> float:
        """Return how long it waited for a core, less what its own threads may have held up; 0 when it has ended."""
        return self.process.waited_seconds() if self._ended is None else 0.0

    def share_core(self) -> None:
        """Keep the process on the cores that the calling thread has, where the system can do that."""
        self.process.pin()

    def pause(self) -> None:
        """Stop all that the process does, threads that it left running too."""
        self.process.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let a paused process go on."""
        self.process.signal(signal.SIGCONT)

    def _exchange(self, kind: int | None, payload: bytes, expected: int, largest: int = 64) -> bytearray:
        """Send a message, if it has a kind, and return the content of the next one that comes."""
        seconds = self._sandbox.limits.wall_seconds
        deadline = time.monotonic() + seconds
        try:
            if kind is not None:
                wire.send(self._channel, kind, payload)
            answered, content = wire.receive(self._channel, deadline, largest)
        except wire.Late:
            self.kill()
            raise CandidateFailed(TIMED_OUT, message=f"no answer in {seconds:g} s") from None
        except wire.Closed:
            raise CandidateFailed(KILLED, message=self._how_it_ended()) from None
        except wire.WireError as error:
            self.kill()
            raise CandidateFailed(GARBAGE, message=str(error)) from None
        if answered == wire.ERROR:
            raise told_failure(content)
        if answered != expected:
            self.kill()
            raise CandidateFailed(GARBAGE, message="a message out of turn")
        return content

    def _how_it_ended(self) -> str:
        status, seconds = self.kill()
        return told_status(status, seconds, self._sandbox.limits.cpu_seconds)

    def kill(self) -> tuple[int, float]:
        """End the process and everything it started; once is enough. Return its wait status and CPU time."""
        if self._ended is None:
            self.process.end()
            self._channel.close()
            self._ended = self._sandbox.reap(self.process)
            self.process.close()
            if self._scratch is not None:
                shutil.rmtree(self._scratch, ignore_errors=True)
        return self._ended


def call_bytes(load_LE: NDArray[np.generic], topology: Topology) -> bytes:
    """Return a call of ``rebalance_experts`` as it goes over the channel; loads become float32, as engines do it."""
    call = wire.Call(
        np.asarray(load_LE, dtype=np.float32),
        topology.num_slots,
        topology.num_groups,
        topology.num_nodes,
        topology.num_gpus,
    )
    return wire.pack_call(call)


def largest_answer(shape: tuple[int, ...], topology: Topology) -> int:
    """Return how many bytes of ``phy2log`` are read at most, for a load of ``shape`` ``[L, E]``."""
    return wire.size_of_arrays((shape[0], topology.num_slots)) + ROOM


def _arrays(payload: bytearray, number: int) -> list[NDArray[np.int64] | None]:
    """Return the arrays of a raw message, with None for those that are missing; CandidateFailed where it has none."""
    try:
        arrays = wire.unpack_arrays(payload)
    except wire.WireError as error:
        raise CandidateFailed(GARBAGE, message=str(error)) from None
    return (arrays + [None] * number)[:number]
