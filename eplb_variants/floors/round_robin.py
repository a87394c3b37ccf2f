"""The round-robin floor: experts dealt over the GPUs like cards."""

from __future__ import annotations

import numpy as np

from eplb_variants.contracts import Replication
from eplb_variants.floors.contiguous import in_every_layer
from eplb_variants.loads import FloatArray
from eplb_variants.placement import Placement
from eplb_variants.registry import register
from eplb_variants.topology import Topology


@register("placer", "round_robin", "experts dealt over the GPUs like cards, starting over when all are dealt")
def round_robin(load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
    """Deal experts ``0, 1, 2, ...``, again from 0 after the last, to GPUs ``0, 1, 2, ...`` in turn."""
    num_layers, num_experts = load.shape
    dealt_P = np.arange(topology.num_slots) % num_experts
    slots_P = dealt_P.reshape(topology.slots_per_gpu, topology.num_gpus).T.ravel()
    return in_every_layer(slots_P, num_layers, num_experts)
