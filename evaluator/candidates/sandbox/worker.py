"""A child process with one program: asked one window at a time, paused, and ended."""

from __future__ import annotations

import contextlib
import os
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

ROOM = 1 << 16
"""Bytes of an answer beyond those of the shape asked for: enough to say which shape it has instead."""
CPUCLOCK_SCHED = 2
"""The clock of a process's CPU time among those that Linux numbers by process, as ``clock_getcpuclockid`` does."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What a program returned: integers of any shape and value, to be checked; None for what it left out."""

    phy2log: NDArray[np.int64] | None
    log2phy: NDArray[np.int64] | None
    logcnt: NDArray[np.int64] | None


class Owner(Protocol):
    """Who had the process forked: knows its limits, and how it ended."""

    limits: Limits

    def reap(self, pid: int) -> int:
        """Return the wait status of a child that has ended or was killed."""


class Worker:
    """A child process with one program, asked one window at a time."""

    def __init__(self, sandbox: Owner, pid: int, channel: socket.socket, scratch: str) -> None:
        self.layers: list[str] = []
        self._sandbox, self._pid, self._channel, self._scratch = sandbox, pid, channel, scratch
        self._status: int | None = None
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

    def ask(self, payload: bytes, largest: int) -> bytes:  # nothing but the exchange: this is what is timed
        """Return raw ``phy2log``, of ``largest`` bytes at most, for a call that was made ready before."""
        return self._exchange(wire.CALL, payload, wire.RESULT, largest)

    def rest_of(self, phy2log: bytes, shape: tuple[int, ...], topology: Topology) -> Answer:
        """Return the answer that begins with raw ``phy2log``; the other maps are read, for a load of this shape."""
        num_layers, num_experts = shape
        widest = (num_layers, num_experts, topology.num_slots)
        rest = self._exchange(None, b"", wire.MAPS, wire.size_of_arrays(widest, widest[:2]) + ROOM)
        return Answer(*_arrays(phy2log, 1), *_arrays(rest, 2))

    def cpu_seconds(self) -> float:
        """Return the CPU time that the process has used in its life; 0 when it has ended."""
        if self._status is not None:
            return 0.0
        return time.clock_gettime((~self._pid << 3) | CPUCLOCK_SCHED)

    def share_core(self) -> None:
        """Keep the process on the cores that the calling thread has, where the system can do that."""
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(self._pid, os.sched_getaffinity(0))

    def pause(self) -> None:
        """Stop all that the process does, threads that it left running too."""
        os.kill(self._pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let a paused process go on."""
        os.kill(self._pid, signal.SIGCONT)

    def _exchange(self, kind: int | None, payload: bytes, expected: int, largest: int = 64) -> bytes:
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
        self.kill()
        status = self._status or 0
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            if number == signal.SIGXCPU:
                return "it used up its CPU time"
            return f"ended by {signal.Signals(number).name}"
        return f"exited with {os.waitstatus_to_exitcode(status)}"

    def kill(self) -> None:
        """End the process and everything it started; once is enough."""
        if self._status is not None:
            return
        for end in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                end(self._pid, signal.SIGKILL)
        self._channel.close()
        self._status = self._sandbox.reap(self._pid)
        shutil.rmtree(self._scratch, ignore_errors=True)


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


def _arrays(payload: bytes, number: int) -> list[NDArray[np.int64] | None]:
    """Return the arrays of a raw message, with None for those that are missing; CandidateFailed where it has none."""
    try:
        arrays = wire.unpack_arrays(payload)
    except wire.WireError as error:
        raise CandidateFailed(GARBAGE, message=str(error)) from None
    return (arrays + [None] * number)[:number]
