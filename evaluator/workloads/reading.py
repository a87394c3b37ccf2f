"""From a source to its windows, through the compact form where it is long; and one line that says what was read."""

from __future__ import annotations

import hashlib
import json

from eplb_variants.errors import EplbError
from evaluator.workloads.kept import Kept
from evaluator.workloads.source import Source, UnusableWorkload, parameters
from evaluator.workloads.trace import Contents, StepsOf, Trace
from evaluator.workloads.windows import StepsFile, WindowSequence


def stream(source: Source, seed: int, interval: int, max_windows: int = 0, kept: Kept | None = None) -> WindowSequence:
    """Return the windows of a workload: an array, or, if they are many, windows that are made when they are asked for.

    Args:
        source: whose windows.
        seed: 0 or more.
        interval: steps in a window.
        max_windows: how many at most; 0 for all.
        kept: where the trace of a long workload is kept; without it all is in memory.

    Raises:
        EplbError: there is nothing to read or not one whole window, or the trace cannot be kept.
    """
    return stream_with_steps(source, seed, interval, max_windows, kept)[0]


def stream_with_steps(
    source: Source, seed: int, interval: int, max_windows: int = 0, kept: Kept | None = None
) -> tuple[WindowSequence, StepsOf | None]:
    """Return the windows as ``stream`` does, and what finds the steps of each; None where a window is one step."""
    trace = _trace(source, seed, kept)
    return trace.windows(interval, max_windows), trace.steps_of(interval) if interval > 1 else None


def what_is_read(source: Source, interval: int, max_windows: int = 0, kept: Kept | None = None) -> str | None:
    """Read a workload that is read, and say in one line what was; None where nothing is read.

    The line names format, steps, layers, experts and windows, what is left out of them, and says so where one window
    is all there is.

    Raises:
        UnusableWorkload: it cannot be read, or there is not one whole window; one sentence that says of which file.
    """
    try:
        what = source.read_as
        if what is None:
            return None
        trace = _trace(source, 0, kept)
    except EplbError as error:
        raise UnusableWorkload(str(error)) from None
    try:
        num_windows = len(trace.windows(interval, max_windows))
    except EplbError as error:
        raise UnusableWorkload(f"{what}: {error}") from None
    return f"{what}: {_in_words(trace.contents, num_windows, interval)}"


def _trace(source: Source, seed: int, kept: Kept | None) -> Trace | StepsFile:
    """Return all steps in memory or, of a long workload, in a file that is written once."""
    if kept is None or not source.is_long:
        return source.make(seed)
    made_by = [source.identity(kept), seed if source.seeded else 0, parameters(source)]
    key = hashlib.sha256(json.dumps(made_by, sort_keys=True).encode()).hexdigest()[:20]
    return kept.find(key) or kept.keep(key, source.steps(seed))


def _in_words(contents: Contents, num_windows: int, interval: int) -> str:
    over = contents.steps - contents.empty_steps - num_windows * interval
    dropped = [f"{contents.empty_steps:,} without load left out"] if contents.empty_steps else []
    dropped += [f"{over:,} beyond the last window not used"] if over else []
    dense = f" ({contents.empty_layers} of them dense, without load)" if contents.empty_layers else ""
    alone = "; none has a next window, so the headline is balancedness on the own window" if num_windows == 1 else ""
    return (
        f"{_counted(contents.steps, 'step')}{' (' + ', '.join(dropped) + ')' if dropped else ''}, "
        f"{_counted(contents.layers, 'layer')}{dense}, {_counted(contents.experts, 'expert')}; "
        f"{_counted(num_windows, 'window')} of {_counted(interval, 'step')}{alone}"
    )


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
