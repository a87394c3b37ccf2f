"""Loads over time, made or recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eplb_variants.errors import EplbError, unknown
from evaluator.workloads.recorded import Recorded
from evaluator.workloads.synthetic import Synthetic

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


def content_hash(workload: Synthetic | Recorded) -> str:
    """Return a hash of what determines the counts, without making them: a recording's bytes, a scenario's source.

    Raises:
        UnusableWorkload: the recording is missing or cannot be opened.
    """
    if isinstance(workload, Recorded):
        try:
            with open(workload.path, "rb") as file:
                counts = hashlib.file_digest(file, "sha256")
        except OSError as error:
            raise UnusableWorkload(f"there is no workload in {workload.path!r}: {error.strerror}") from None
        for source in sorted((Path(__file__).parent / "readers").glob("*.py")):
            counts.update(source.read_bytes())
        return counts.hexdigest()
    return hashlib.sha256((Path(__file__).parent / "synthetic.py").read_bytes()).hexdigest()
