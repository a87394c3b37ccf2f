"""Loads over time, made or recorded."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

from eplb_variants.errors import EplbError, unknown
from evaluator.workloads.kept import Kept
from evaluator.workloads.recorded import Recorded
from evaluator.workloads.synthetic import Synthetic
from evaluator.workloads.windows import Windows, WindowSequence

KINDS: dict[str, type[Synthetic] | type[Recorded]] = {"synthetic": Synthetic, "recorded": Recorded}


class UnusableWorkload(EplbError):
    """A workload that is missing, cannot be read, or does not fit what it is used for."""


def load_workload(config: Mapping[str, Any]) -> Synthetic | Recorded:
    """Return the workload that a mapping of ``kind`` and parameters describes.

    Raises:
        EplbError: an unknown kind, or a parameter out of its range.
    """
    settings = dict(config)
    kind = str(settings.pop("kind", "synthetic"))
    if kind not in KINDS:
        raise unknown("kind of workload", kind, KINDS)
    return KINDS[kind](**settings)


def content_hash(workload: Synthetic | Recorded, kept: Kept | None = None) -> str:
    """Return a hash of what determines the counts, without making them: a recording's bytes, a scenario's source.

    Args:
        workload: whose counts.
        kept: where the hash of a recording's bytes may be remembered.

    Raises:
        UnusableWorkload: the recording is missing or cannot be opened.
    """
    if isinstance(workload, Recorded):
        try:
            counts = hashlib.sha256(bytes.fromhex((kept or Kept(Path(os.devnull))).content_of(workload.path)))
        except OSError as error:
            raise UnusableWorkload(f"there is no workload in {workload.path!r}: {error.strerror}") from None
        for source in sorted((Path(__file__).parent / "readers").glob("*.py")):
            counts.update(source.read_bytes())
        return counts.hexdigest()
    return hashlib.sha256((Path(__file__).parent / "synthetic.py").read_bytes()).hexdigest()


def stream(
    workload: Synthetic | Recorded, seed: int, interval: int, max_windows: int = 0, kept: Kept | None = None
) -> WindowSequence:
    """Return the windows of a workload: an array, or, if they are many, windows that are made when they are asked for.

    Args:
        workload: whose windows.
        seed: 0 or more; a recording is the same for every seed.
        interval: steps in a window.
        max_windows: how many at most; 0 for all.
        kept: where the trace of a long workload is kept; without it all is in memory.

    Raises:
        EplbError: there is nothing to read or not one whole window, or the trace cannot be kept.
    """
    if kept is None or not workload.is_long:
        return workload.make(seed).windows(interval)[: max_windows or None]
    made_by = [content_hash(workload, kept), *([seed, *astuple(workload)] if isinstance(workload, Synthetic) else [])]
    key = hashlib.sha256(json.dumps(made_by).encode()).hexdigest()[:20]
    return Windows(kept.find(key) or kept.keep(key, workload.steps(seed)), interval, max_windows)
