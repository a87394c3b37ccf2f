"""Loads over time, made or recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eplb_variants.errors import unknown
from evaluator.workloads.reading import stream, stream_with_steps, what_is_read
from evaluator.workloads.recorded import Recorded
from evaluator.workloads.shipped import Shipped
from evaluator.workloads.source import Source, UnusableWorkload
from evaluator.workloads.synthetic import Synthetic

__all__ = ["KINDS", "Source", "UnusableWorkload", "load_workload", "stream", "stream_with_steps", "what_is_read"]

KINDS: dict[str, type[Source]] = {"synthetic": Synthetic, "recorded": Recorded, "shipped": Shipped}
"""The kinds of workload by their names, as in ``workload.kind``. A further kind is a file and an entry here."""


def load_workload(config: Mapping[str, Any]) -> Source:
    """Return the workload that a mapping of ``kind`` and parameters describes.

    Raises:
        EplbError: an unknown kind, or a parameter out of its range.
    """
    settings = dict(config)
    kind = str(settings.pop("kind", "synthetic"))
    if kind not in KINDS:
        raise unknown("kind of workload", kind, KINDS)
    return KINDS[kind](**settings)
