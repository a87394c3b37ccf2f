"""Alone on the machine: one timing pass at a time, without garbage collection or surplus threads."""

from __future__ import annotations

import contextlib
import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from threadpoolctl import threadpool_limits

LOCK = os.path.join(tempfile.gettempdir(), "eplb-lab-timing.lock")
"""One timing pass at a time on a machine, whoever starts it."""


@contextmanager
def exclusive(wait_seconds: float) -> Iterator[Callable[[], bool]]:
    """Hold the machine's timing lock; yield a function that says whether the machine was ours alone so far.

    A process that stops waiting measures anyway and touches a marker, so the lock holder knows it was disturbed.
    """
    lock, mark = FileLock(LOCK, mode=0o666), Path(f"{LOCK}.disturbed")
    try:
        lock.acquire(timeout=wait_seconds)
    except (Timeout, PermissionError):
        with contextlib.suppress(OSError):
            mark.touch()
        yield lambda: False
        return
    before = _changed(mark)
    try:
        yield lambda: _changed(mark) == before
    finally:
        lock.release()


def _changed(path: Path) -> int:
    """Return when a file was last touched, in nanoseconds; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@contextmanager
def on_one_core(draw: np.random.Generator) -> Iterator[None]:
    """Keep the calling thread on one of its cores, drawn; nothing changes on systems that do not say which it has.

    Cores of a shared machine differ from moment to moment, by what others run beside them. Two calls that follow each
    other on one core met the same: ratios of equals in processes of their own spread by .01 to .04, and by .03 to .13
    without (two shared cores, quiet and busy).
    """
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    keep_to(int(draw.choice(sorted(cores))))
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def keep_to(core: int | None) -> None:
    """Keep the calling thread, and what it starts, on a core; None changes nothing."""
    if core is not None:
        os.sched_setaffinity(0, {core})


@contextmanager
def quiet(threads: int) -> Iterator[None]:
    """Keep garbage collection and surplus threads away."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        with threadpool_limits(limits=threads):
            yield
    finally:
        if was_enabled:
            gc.enable()
