"""How much memory a placement needs while it is made."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable

from eplb_variants import Topology, Variant
from evaluator.timing.prepare import chosen_windows, ready
from evaluator.workloads.windows import WindowSequence

RESET_PEAK = "5"
"""Written to ``clear_refs`` it makes the present resident memory the highest so far (Linux, proc(5))."""
KIB = 1024


def place_peak_mib(variant: Variant, windows_WLE: WindowSequence, topology: Topology) -> float:
    """Return the most memory that a call of ``place`` needed beyond what its process held before, in MiB.

    What it returns counts, what the variant keeps from earlier calls does not. Resident memory is counted in pages, and
    what the allocator had kept is given back first. NaN where the system does not say: elsewhere than on Linux.

    Args:
        variant: what is called, once to warm up and once for each of the windows that are timed.
        windows_WLE: loads, ``[W, L, E]``.
        topology: for which machine.
    """
    prepare = ready(variant, windows_WLE, topology)
    prepare(0)()
    peaks = [peak_mib(prepare(number)) for number in range(len(chosen_windows(len(windows_WLE))))]
    return max(peaks)


def peak_mib(call: Callable[[], object]) -> float:
    """Return by how much the resident memory of this process rises at most during a call, in MiB; NaN if unknown."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
        with open("/proc/self/clear_refs", "w") as file:
            file.write(RESET_PEAK)
        before = _status("VmRSS")
    except (OSError, AttributeError, ValueError):
        return float("nan")
    call()
    return max(_status("VmHWM") - before, 0) / KIB


def _status(name: str) -> int:
    """Return a value of this process's status, in KiB; ValueError where it is not there."""
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
    raise ValueError(name)
