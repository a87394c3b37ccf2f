"""The D'Hondt replicator: every extra replica to the expert with the largest load per replica."""

from __future__ import annotations

from eplb_variants.contracts import Replication
from eplb_variants.loads import FloatArray
from eplb_variants.registry import register
from eplb_variants.replication.growth import grow, largest_load_per_replica


@register("replicator", "dhondt", "each extra replica to the largest load per replica")
def dhondt(load: FloatArray, num_slots: int) -> Replication:
    """Replicate ``load [N, E]`` into ``num_slots`` columns, hottest expert first.

    This is the rule of DeepSeek's EPLB, and D'Hondt's method of handing out seats: it minimises the largest load per
    replica. Ties, and rows without load, go to the lowest expert.

    Raises:
        EplbError: there are fewer slots than experts.
    """
    return grow(load, num_slots, lambda _, logcnt: largest_load_per_replica(load, logcnt))
