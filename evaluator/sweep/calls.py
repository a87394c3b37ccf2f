"""Which call of a variant is in progress, in memory that a process shares with the one that watches it."""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from eplb_variants import Placement, Topology, Variant
from eplb_variants.loads import FloatArray

_LAYOUT = struct.Struct("qq")
NOBODY, REFERENCE = -2, -1
"""Who has not been called yet; who is the reference. All others are numbers of cells."""


class Call(NamedTuple):
    """The last call that began.

    Attributes:
        number: it differs from that of every other call.
        running: whether it is still in progress.
        who: the number that its variant was given; ``NOBODY`` where nothing was called yet.
    """

    number: int
    running: bool
    who: int


class Calls:
    """Counts the calls of variants: written by the process that makes them, read by the one that watches it.

    A call costs two writes to memory, so that calls of a tenth of a millisecond can be watched while they are timed.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)
        self.forget()
        self.made_here()

    def forget(self) -> None:
        """Start over, for a new process or a new cell."""
        _LAYOUT.pack_into(self._memory, 0, 0, NOBODY)

    def made_here(self) -> None:
        """Say that this process makes the calls; one that a variant forks off ends with the call."""
        self._process = os.getpid()

    def begin(self, who: int) -> None:
        """Say that a call begins."""
        count, _ = _LAYOUT.unpack_from(self._memory)
        _LAYOUT.pack_into(self._memory, 0, count + 1 if count % 2 == 0 else count + 2, who)

    def end(self) -> None:
        """Say that it has ended."""
        if os.getpid() != self._process:
            os._exit(0)  # both would go on to write the same file
        count, who = _LAYOUT.unpack_from(self._memory)
        _LAYOUT.pack_into(self._memory, 0, count + count % 2, who)

    @contextmanager
    def counted(self, who: int) -> Iterator[None]:
        """Count what is done meanwhile as a call, which may be ended when it takes too long."""
        self.begin(who)
        try:
            yield
        finally:
            self.end()

    def last(self) -> Call:
        """Return the last call that began."""
        count, who = _LAYOUT.unpack_from(self._memory)
        return Call((count + 1) // 2, count % 2 == 1, who)


@dataclass(frozen=True, eq=False)
class Watched(Variant):
    """A variant whose calls are counted; otherwise the same."""

    inner: Variant | None = None
    """That variant, which may place in a way of its own."""
    calls: Calls = field(default_factory=Calls)
    who: int = NOBODY

    def place(self, load: Any, topology: Topology, previous: Placement | None = None) -> Placement:
        """Return the placement that the variant makes."""
        with self.calls.counted(self.who):
            if self.inner is None:
                return super().place(load, topology, previous)
            return self.inner.place(load, topology, previous)

    def dispatch(self, load: FloatArray, placement: Placement) -> FloatArray | None:
        """Return the shares that the variant chooses; a call like any other where it chooses any."""
        if self.dispatcher is None:
            return None
        with self.calls.counted(self.who):
            return super().dispatch(load, placement) if self.inner is None else self.inner.dispatch(load, placement)

    def react(self, load: FloatArray, placement: Placement) -> Placement | None:
        """Return the placement of a step that the variant chooses; a call like any other where it chooses any."""
        if self.reactive is None:
            return None
        with self.calls.counted(self.who):
            return super().react(load, placement) if self.inner is None else self.inner.react(load, placement)


def watched(variant: Variant, calls: Calls, who: int) -> Watched:
    """Return a variant that says in ``calls`` when it is called, as ``who``."""
    own = {part.name: getattr(variant, part.name) for part in fields(Variant)}
    return Watched(**own, inner=variant, calls=calls, who=who)
