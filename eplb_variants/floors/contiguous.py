"""The contiguous floor: experts in order, one after another, as engines place them without a balancer."""

from __future__ import annotations

import numpy as np

from eplb_variants.contracts import Replication
from eplb_variants.loads import FloatArray
from eplb_variants.placement import Placement, count_replicas, number_replicas
from eplb_variants.registry import register
from eplb_variants.topology import Topology


@register("placer", "contiguous", "experts in order over the slots, extra copies going to the first ones")
def contiguous(load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
    """Place experts in order, copies of one side by side; the first ``P mod E`` experts get one copy more."""
    num_layers, num_experts = load.shape
    copies, more = divmod(topology.num_slots, num_experts)
    slots_P = np.repeat(np.arange(num_experts), copies + (np.arange(num_experts) < more))
    return in_every_layer(slots_P, num_layers, num_experts)


def in_every_layer(slots_P: np.ndarray, num_layers: int, num_experts: int) -> Replication:
    """Return one row of experts by slot as the placement of every layer."""
    phy2log_LP = np.tile(slots_P.astype(np.int64), (num_layers, 1))
    return Replication(phy2log_LP, number_replicas(phy2log_LP), count_replicas(phy2log_LP, num_experts))
