"""Where experts are at home: each once, by number, as evenly as they come."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from eplb_variants.contracts import Replication
from eplb_variants.floors.contiguous import in_every_layer
from eplb_variants.loads import FloatArray
from eplb_variants.placement import Placement
from eplb_variants.registry import register
from eplb_variants.topology import Topology


@register(
    "placer", "at_home", "each expert once, on GPUs by number; other slots are left free for a balancer within steps"
)
def at_home(load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
    """Place experts in order, equally many a GPU or one more; a GPU's other slots hold its own experts again."""
    num_experts = load.shape[1]
    first_G = np.arange(topology.num_gpus + 1) * num_experts // topology.num_gpus
    counts = np.arange(topology.slots_per_gpu)
    rows = [
        first + counts % (end - first) if end > first else 0 * counts  # a GPU without experts has the first
        for first, end in pairwise(first_G)
    ]
    return in_every_layer(np.concatenate(rows), len(load), num_experts)
