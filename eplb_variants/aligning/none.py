"""No alignment."""

from __future__ import annotations

from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.registry import register
from eplb_variants.topology import Topology


@register("aligner", "none", "no alignment: a new placement does not look at the one in place")
def none(load: FloatArray, slots: IntArray, topology: Topology, previous: IntArray) -> IntArray:
    """Return ``slots [L, P]`` as they are."""
    return slots
