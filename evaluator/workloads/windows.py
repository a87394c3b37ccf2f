"""Windows that are made when they are asked for: a long trace is never in memory as a whole.

Shapes: S steps, L layers, E logical experts, W windows.
"""

from __future__ import annotations

import hashlib
import os
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from eplb_variants.loads import IntArray
from evaluator.workloads.trace import Contents, StepsOf, whole_windows

REMEMBERED = 16
"""Windows that are kept: own, next, and the history that a forecaster looks at, which is rarely longer."""


class WindowSequence(Protocol):
    """Windows in order, each an ``[L, E]`` of int64: an array ``[W, L, E]``, or windows that are made when needed."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, window: int, /) -> Any: ...


def hash_of_windows(windows_WLE: WindowSequence) -> str:
    """Return the hash of all counts ``[W, L, E]`` of a trace: 16 hexadecimal digits, the same on every machine."""
    whole = hashlib.sha256(repr(tuple(int(size) for size in windows_WLE.shape)).encode("ascii"))
    for window in range(len(windows_WLE)):
        whole.update(np.ascontiguousarray(windows_WLE[window], dtype="<i8").tobytes())
    return whole.hexdigest()[:16]


class StepsFile:
    """The steps with load of a trace in a file, read from disk a few at a time.

    Args:
        path: a file of nothing but integers, ``[S, L, E]`` in C order.
        dtype: their type, such as ``<u2``.
        contents: what the trace holds; its steps without load are not in the file.

    Raises:
        OSError: there is no such file.
        ValueError: its length is another.
    """

    def __init__(self, path: Path, dtype: str, contents: Contents) -> None:
        self.dtype = np.dtype(dtype)
        self.contents = contents
        self.shape = (contents.steps - contents.empty_steps, contents.layers, contents.experts)
        self._step_bytes = self.shape[1] * self.shape[2] * self.dtype.itemsize
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._file)
        if os.fstat(self._file).st_size != self.shape[0] * self._step_bytes:
            raise ValueError(f"{path} is not as long as {self.shape[0]} steps")

    def read(self, first: int, last: int) -> NDArray[Any]:
        """Return the steps ``[last - first, L, E]``."""
        size = (last - first) * self._step_bytes
        data = os.pread(self._file, size, first * self._step_bytes)
        return np.frombuffer(data, self.dtype).reshape(-1, *self.shape[1:])

    def steps_of(self, interval: int) -> StepsOf:
        """Return what finds the ``interval`` steps ``[S, L, E]`` of a window by its number."""
        return lambda window: self.read(window * interval, (window + 1) * interval)

    def windows(self, interval: int, max_windows: int = 0) -> Windows:
        """Return sums of ``interval`` steps; ``max_windows`` at most, 0 for all. EplbError where there is not one."""
        return Windows(self, interval, max_windows)


class Windows:
    """The windows of a file of steps, all of which have load.

    Args:
        steps: the file.
        interval: steps in a window, 1 or more; a last, shorter window is dropped.
        max_windows: how many there are at most; 0 for all.

    Raises:
        EplbError: there is not one whole window.
    """

    def __init__(self, steps: StepsFile, interval: int, max_windows: int = 0) -> None:
        num_windows = whole_windows(steps.shape[0], interval)
        self._steps, self._interval = steps, interval
        self.shape = (min(num_windows, max_windows or num_windows), *steps.shape[1:])
        self._recent: OrderedDict[int, IntArray] = OrderedDict()

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, window: int) -> IntArray:
        """Return a window ``[L, E]``, read-only."""
        if not 0 <= window < len(self):
            raise IndexError(window)
        if window not in self._recent:
            steps = self._steps.read(window * self._interval, (window + 1) * self._interval)
            made: IntArray = steps.sum(axis=0, dtype=np.int64)
            made.setflags(write=False)
            self._recent[window] = made
            if len(self._recent) > REMEMBERED:
                self._recent.popitem(last=False)
        return self._recent[window]

    def __iter__(self) -> Iterator[IntArray]:
        return (self[window] for window in range(len(self)))
