"""What a program may write in place of its answers: bytes by the thousand, each read or refused in a sentence.

The judge's side of the channel is the real one, over a real pair of sockets; in place of a process there is a stub that
writes what it is told. A case ends in an answer, in an answer that no check lets pass, or in a failure
in words; a traceback, a wait or growth is a fault.

Shapes: L layers, E logical experts, P slots.
"""

from __future__ import annotations

import resource
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from eplb_variants import Topology
from evaluator.bench.line import Line
from evaluator.candidates.judging.checks import Invalid, checked
from evaluator.candidates.sandbox import wire
from evaluator.candidates.sandbox.failure import CandidateFailed
from evaluator.candidates.sandbox.limits import Limits
from evaluator.candidates.sandbox.process import Process
from evaluator.candidates.sandbox.worker import Worker, call_bytes, largest_answer
from evaluator.progress import Progress

TOPOLOGY = Topology(24, 4, 2, 4)
SHAPE = 3, 16
"""Of the load, ``[L, E]``."""
WALL_SECONDS = 5.0
"""Of a case that does not end by itself: none should."""
MOST_GROWTH = 64 << 20
"""Bytes that this process may grow by in all."""
ROOM = 1 << 17
"""Bytes of a case at most: what fits into the channel without a reader."""
NUMBERS = (-(1 << 63), -2, -1, 0, 1, 2, 3, 4, 5, 24, 1 << 16, 1 << 28, (1 << 28) + 1, 1 << 40, 1 << 62, (1 << 63) - 1)
ANSWERED, REFUSED, FAILED, FAULT = "answered", "no placement", "failed in words", "fault"


@dataclass
class Tally:
    """What became of cases.

    Attributes:
        ends: how many ended how.
        faults: by number of the case, what was wrong.
        growth: bytes that this process grew by.
        seconds: wall time of the slowest case.
    """

    ends: Counter[str] = field(default_factory=Counter)
    faults: dict[int, str] = field(default_factory=dict)
    growth: int = 0
    seconds: float = 0.0


def honest_messages() -> list[tuple[int, bytes]]:
    """Return what an honest process writes: that it is loaded, ready, ``phy2log`` and the other maps."""
    num_layers, num_experts = SHAPE
    row = np.concatenate([np.arange(8), np.arange(4), np.arange(8, 16), np.arange(8, 12)])
    phy2log = np.tile(row, (num_layers, 1))
    logcnt = np.apply_along_axis(np.bincount, 1, phy2log, minlength=num_experts)
    log2phy = np.full((num_layers, num_experts, 2), -1)
    for expert in range(num_experts):
        slots = np.flatnonzero(row == expert)
        log2phy[:, expert, : len(slots)] = slots
    answer = wire.pack_arrays([phy2log])
    return [
        (wire.LOADED, b""),
        (wire.READY, b""),
        (wire.RESULT, answer),
        (wire.MAPS, wire.pack_arrays([log2phy, logcnt])),
    ]


def case(number: int, seed: int = 0) -> list[bytes]:
    """Return what a process writes in a case when it is loaded, seeded and asked: an honest one's bytes, damaged."""
    draw = np.random.default_rng([seed, number])
    parts: list[bytes] = []
    unhurt = int(draw.integers(0, 4))  # so many parts are honest: what comes later is met only behind them
    for at, messages in enumerate([one] for one in honest_messages()[:2]):
        parts.append(_written(messages, draw, honest=at < unhurt))
    parts.append(_written(honest_messages()[2:], draw, honest=False))
    return parts


def _written(messages: list[tuple[int, bytes]], draw: np.random.Generator, *, honest: bool) -> bytes:
    """Return messages as bytes, damaged in one way or several unless they are honest."""
    for _ in range(0 if honest else int(draw.integers(0, 3))):
        _misspeak(messages, draw)
    framed = b"".join(wire.FRAME.pack(kind, len(content)) + content for kind, content in messages)
    for _ in range(0 if honest else int(draw.integers(0, 2))):
        framed = _damaged(framed, draw)
    return framed[:ROOM]


def _misspeak(messages: list[tuple[int, bytes]], draw: np.random.Generator) -> None:
    """Change a message into another whole one, or add or leave out one."""
    at = int(draw.integers(len(messages))) if messages else 0
    kind, content = messages.pop(at) if messages and draw.random() < 0.8 else (wire.RESULT, b"")
    way = int(draw.integers(6))
    if way == 0:
        return
    if way == 1:
        kind = int(draw.integers(0, 12))
    elif way == 2:
        content = _arrays(draw)
    elif way == 3:
        kind, content = wire.ERROR, _words(draw)
    elif way == 4:
        content = draw.bytes(int(draw.integers(0, 300)))
    elif way == 5 and len(content) >= 8:
        place = 8 * int(draw.integers(len(content) // 8))
        content = content[:place] + struct.pack("<q", draw.choice(NUMBERS)) + content[place + 8 :]
    messages.insert(at, (kind, content))


def _arrays(draw: np.random.Generator) -> bytes:
    """Return heads of arrays whose counts, axes and extents are anything, with some numbers behind them."""
    numbers = [int(draw.choice(NUMBERS)) for _ in range(int(draw.integers(1, 12)))]
    if draw.random() < 0.7:
        ndim = int(draw.integers(0, 6))
        extents = draw.choice([0, 1, 1 << 14, 1 << 28] if draw.random() < 0.3 else NUMBERS, ndim)
        numbers = [int(draw.integers(0, 5)), ndim, *map(int, extents), *numbers]
    return struct.pack(f"<{len(numbers)}q", *numbers)


def _words(draw: np.random.Generator) -> bytes:
    """Return what a failure may say of itself."""
    names = (b"ValueError", b"\x1b[2J", b"\xff\xfe", b"[bold]", b"9" * 30, b"", b"\xe2\x80\xae", b"\x00", b"x" * 3000)
    parts = [names[int(draw.integers(len(names)))] for _ in range(int(draw.integers(0, 5)))]
    return b"\n".join(parts)


def _damaged(framed: bytes, draw: np.random.Generator) -> bytes:
    """Return bytes with some changed, cut off, added or in another order."""
    at = int(draw.integers(len(framed) + 1))
    way = int(draw.integers(6))
    if way == 0:
        return framed[:at]
    if way == 1:
        return framed[:at] + draw.bytes(int(draw.integers(1, 64))) + framed[at:]
    if way == 2:
        return framed[:at] + draw.bytes(1) + framed[at + 1 :]
    if way == 3:
        return wire.FRAME.pack(int(draw.integers(0, 10)), int(draw.integers(0, 1 << 63, dtype=np.uint64))) + framed
    if way == 4:
        return framed[at:] + framed[:at]
    return draw.bytes(int(draw.integers(0, 400)))


class _Stub:
    """Who a worker without a process belongs to."""

    limits = Limits(wall_seconds=WALL_SECONDS)

    def reap(self, process: Process) -> tuple[int, float]:
        """Return that it ended by itself, and used no time."""
        return 0, 0.0


class _Told:
    """A worker over a real channel, and what stands in place of its process: it writes what it is told.

    It closes its end when what it wrote is no whole message, as a process does that ends.
    """

    def __init__(self) -> None:
        ours, self._theirs = socket.socketpair()
        self._theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * ROOM)
        self._waiting, self._closed = b"", False
        self.worker = Worker(_Stub(), Process(_NO_PROCESS, None), ours, None)

    def write(self, written: bytes, *, last: bool = False) -> None:
        """Write bytes, and close if they are the last, or if the judge would wait for more."""
        if self._closed:
            return
        self._theirs.sendall(written)
        self._waiting += written
        size = wire.FRAME.size
        length = wire.FRAME.unpack_from(self._waiting)[1] if len(self._waiting) >= size else 0
        if last or len(self._waiting) < size + min(length, wire.LARGEST_ERROR):
            self._theirs.shutdown(socket.SHUT_WR)
            self._closed = True
        self._waiting = self._waiting[size + length :]

    def end(self) -> None:
        """End both sides."""
        self.worker.kill()
        self._theirs.close()


_NO_PROCESS = (1 << 22) + 1
"""The number of no process: Linux has none above."""


def end_of(parts: Sequence[bytes]) -> tuple[str, str]:
    """Return how a case ends, and in which words; ``parts`` are written as it is loaded, seeded and asked."""
    told = _Told()
    worker, (loaded, seeded, asked) = told.worker, parts
    try:
        told.write(loaded)
        worker.load("")
        told.write(seeded)
        worker.make_ready(0)
        told.write(asked, last=True)
        phy2log = worker.ask(call_bytes(np.ones(SHAPE), TOPOLOGY), largest_answer(SHAPE, TOPOLOGY))
        checked(worker.rest_of(phy2log, SHAPE, TOPOLOGY), SHAPE, TOPOLOGY, "a case")
    except CandidateFailed as failure:
        return (FAILED, str(failure)) if str(failure).isprintable() else (FAULT, "words that cannot be printed")
    except Invalid as invalid:
        return (REFUSED, str(invalid)) if str(invalid).isprintable() else (FAULT, "words that cannot be printed")
    except Exception as error:
        return FAULT, f"{type(error).__name__}: {error}"[:200]
    finally:
        told.end()
    return ANSWERED, ""


def try_answers(count: int, seed: int = 0, done: Callable[[], object] = lambda: None) -> Tally:
    """Return what became of ``count`` cases, in this process.

    Args:
        count: how many.
        seed: of the bytes.
        done: called after each hundred.
    """
    tally = Tally()
    for number in range(min(count, 100)):  # what is made on first use is not growth
        end_of(case(number, seed))
    before = _memory()
    for number in range(count):
        written = case(number, seed)
        began = time.perf_counter()
        end, words = end_of(written)
        seconds = time.perf_counter() - began
        tally.seconds = max(tally.seconds, seconds)
        if "no answer in" in words:
            end, words = FAULT, "it was waited for"
        tally.ends[end] += 1
        if end == FAULT:
            tally.faults[number] = words
        if number % 100 == 99:
            done()
    tally.growth = max(_memory() - before, 0)
    return tally


def _memory() -> int:
    """Return the most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def measure_answers(progress: Progress, count: int) -> list[Line]:
    """Return lines on ``count`` cases."""
    progress.start("answers", count // 100)
    tally = try_answers(count, done=lambda: progress.step("answers"))
    size = f"{count:,} cases"
    faults = "; ".join(f"{number}: {why}" for number, why in list(tally.faults.items())[:5])
    growth, what = tally.growth / (1 << 20), f"faults{f' ({faults})' if faults else ''}"
    return [
        *(Line("answers", end, size, tally.ends[end], "cases") for end in (ANSWERED, REFUSED, FAILED)),
        Line("answers", what, size, len(tally.faults), "cases", target="none", met=not tally.faults),
        Line(
            "answers",
            "growth of the judge",
            size,
            growth,
            "MiB",
            target="64 MiB or less",
            met=tally.growth <= MOST_GROWTH,
        ),
        Line("answers", "slowest case", size, 1e3 * tally.seconds, "ms"),
    ]
