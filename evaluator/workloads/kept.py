"""Traces kept in a compact form: what is slow to read or to make is read or made once.

A kept trace is two files in a folder: ``KEY.steps`` with the counts of the steps that have load, in the narrowest type
that holds them, and ``KEY.json`` with type and contents, written last: where it is, the trace is whole. The key is a
hash of what determines the counts, so a kept trace never goes stale; the folder can be deleted at any time. The hash of
a large recording is itself remembered, with the size, times and number of the file that it was taken from.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from eplb_variants.errors import EplbError
from evaluator.files import clear_left_over, temporary_beside, without_waiting, write_whole
from evaluator.workloads.trace import Contents
from evaluator.workloads.windows import StepsFile

SETTLED_NS = 2_000_000_000
"""A file that was changed so recently may be changed again within the same tick of its time stamp."""
TYPES = ("<u2", "<u4", "<i8")
"""Types of kept counts, narrowest first."""


class Kept:
    """The kept traces of a folder.

    Args:
        folder: where they are; made when something is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, key: str) -> StepsFile | None:
        """Return a kept trace; None where there is none, or none that can be read."""
        try:
            known = _remembered(self.folder / f"{key}.json")
            return StepsFile(self.folder / f"{key}.steps", known["dtype"], Contents(**known["contents"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, key: str, steps: Iterable[NDArray[Any]]) -> StepsFile:
        """Write a trace step by step, in memory that does not grow with it, and return it.

        Args:
            key: under which it is found again.
            steps: arrays ``[L, E]`` of counts, whole numbers from 0; steps without load are left out.

        Raises:
            EplbError: there is no step with load, steps differ in shape, or the disk is full.
        """
        part = temporary_beside(self.folder / f"{key}.steps")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            clear_left_over(self.folder)
            dtype, contents = _write(part, steps)
            part.replace(self.folder / f"{key}.steps")
            write_whole(self.folder / f"{key}.json", json.dumps({"dtype": dtype, "contents": contents._asdict()}))
        except OSError as error:
            raise EplbError(f"a trace cannot be kept in {str(self.folder)!r}: {error.strerror}") from None
        finally:
            part.unlink(missing_ok=True)
        return StepsFile(self.folder / f"{key}.steps", dtype, contents)

    def content_of(self, path: str) -> str:
        """Return the SHA-256 of a file, taken anew only if the file is another than last time."""
        found = os.stat(path)
        state = [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev]
        place = hashlib.sha256(os.path.abspath(path).encode()).hexdigest()[:20]
        memo = self.folder / f"content-{place}.json"
        try:
            remembered = _remembered(memo)
            if remembered["state"] == state:
                return str(remembered["sha256"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        with open(path, "rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        if time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) > SETTLED_NS:
            self._remember(memo, {"state": state, "sha256": content})
        return content

    def _remember(self, memo: Path, what: dict[str, Any]) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(memo, json.dumps(what))
        except OSError:  # it is taken anew next time
            pass


def _remembered(memo: Path) -> Any:
    with open(memo, encoding="utf-8", opener=without_waiting) as file:
        return json.load(file)


def _write(path: Path, steps: Iterable[NDArray[Any]]) -> tuple[str, Contents]:
    """Write the steps that have load and return their type, and what there is with those that have none."""
    dtype, shape, number, written = TYPES[0], None, -1, 0
    used_L: NDArray[np.bool_] | None = None
    with path.open("w+b") as file:
        for number, step in enumerate(steps):
            if shape not in (None, step.shape):
                raise EplbError(f"step {number} has the shape {list(step.shape)}, those before {list(shape or ())}")
            shape = step.shape
            largest = int(step.max(initial=0))
            if not largest:
                continue
            wanted = next(name for name in TYPES if largest <= np.iinfo(name).max)
            if TYPES.index(wanted) > TYPES.index(dtype):
                _widen(file, written, step.size, dtype, wanted)
                dtype = wanted
            file.write(step.astype(dtype).tobytes())
            written += 1
            used_L = np.any(step != 0, axis=1) | (False if used_L is None else used_L)
    if shape is None or used_L is None:
        raise EplbError("the trace has no step with load")
    num_layers, num_experts = shape
    empty_layers = num_layers - int(np.count_nonzero(used_L))
    return dtype, Contents(number + 1, num_layers, num_experts, number + 1 - written, empty_layers)


def _widen(file: BinaryIO, num_steps: int, step_size: int, dtype: str, wanted: str) -> None:
    """Give the steps in a file another type, the last one first: each is read before its place is written to."""
    old, new = (step_size * np.dtype(name).itemsize for name in (dtype, wanted))
    for step in reversed(range(num_steps)):
        file.seek(step * old)
        counts = np.frombuffer(file.read(old), dtype)
        file.seek(step * new)
        file.write(counts.astype(wanted).tobytes())
    file.seek(num_steps * new)
