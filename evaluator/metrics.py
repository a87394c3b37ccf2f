"""What a placement is worth on a load. Sums are in float64, whatever the variant worked in.

Layers without any load (the dense layers of real traces) are left out of every mean.
Shapes: L layers, E logical experts, P slots, G GPUs, N nodes, Q groups.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eplb_variants.loads import FloatArray
from eplb_variants.placement import Placement


class Balance(NamedTuple):
    """Balancedness of a placement on one load; 1 is perfect, NaN where no layer has load."""

    gpu: float
    """Sum over layers of the mean GPU load over the sum over layers of the maximum GPU load."""
    node: float
    """The same over nodes."""
    expert: float
    """The same over physical experts: blind to packing."""
    gpu_layer_mean: float
    """Mean over layers of mean GPU load over maximum GPU load."""


def slot_loads(load_LE: NDArray[np.generic], placement: Placement) -> FloatArray:
    """Return ``[L, P]``: tokens of each slot if replicas of an expert share its tokens evenly."""
    per_replica_LE = load_LE.astype(np.float64) / placement.logcnt
    return np.take_along_axis(per_replica_LE, placement.phy2log, axis=1)


def gpu_loads(load_LE: NDArray[np.generic], placement: Placement) -> FloatArray:
    """Return ``[L, G]``: tokens of each GPU if replicas of an expert share its tokens evenly."""
    slots_LP = slot_loads(load_LE, placement)
    return slots_LP.reshape(slots_LP.shape[0], placement.topology.num_gpus, -1).sum(axis=2)


def balance(load_LE: NDArray[np.generic], placement: Placement) -> Balance:
    """Return how evenly ``placement`` spreads ``load [L, E]``."""
    topology = placement.topology
    slots_LP = slot_loads(load_LE, placement)[load_LE.any(axis=1)]
    if slots_LP.shape[0] == 0:
        return Balance(*[float("nan")] * 4)
    gpu_LG = slots_LP.reshape(-1, topology.num_gpus, topology.slots_per_gpu).sum(axis=2)
    node_LN = gpu_LG.reshape(-1, topology.num_nodes, topology.gpus_per_node).sum(axis=2)
    return Balance(
        _sum_of_means_over_sum_of_peaks(gpu_LG),
        _sum_of_means_over_sum_of_peaks(node_LN),
        _sum_of_means_over_sum_of_peaks(slots_LP),
        float((gpu_LG.mean(axis=1) / gpu_LG.max(axis=1)).mean()),
    )


def _sum_of_means_over_sum_of_peaks(part_LX: FloatArray) -> float:
    return float(part_LX.mean(axis=1).sum() / part_LX.max(axis=1).sum())


def _experts_on_gpus(placement: Placement) -> NDArray[np.bool_]:
    """Return ``[L, G, E]``: whether the GPU holds the expert."""
    num_layers = placement.phy2log.shape[0]
    topology = placement.topology
    holds = np.zeros((num_layers, topology.num_gpus, placement.num_experts), dtype=bool)
    gpu_P = np.arange(topology.num_slots) // topology.slots_per_gpu
    holds[np.arange(num_layers)[:, None], gpu_P, placement.phy2log] = True
    return holds


def moved_slots(previous: Placement, placement: Placement, used_L: NDArray[np.bool_]) -> float:
    """Return the share of slots whose expert was not on that GPU before, over the layers ``used [L]``."""
    topology = placement.topology
    gpu_P = np.arange(topology.num_slots) // topology.slots_per_gpu
    layer_L1 = np.arange(placement.phy2log.shape[0])[:, None]
    there_LP = _experts_on_gpus(previous)[layer_L1, gpu_P, placement.phy2log]
    return float((~there_LP[used_L]).mean()) if used_L.any() else float("nan")


def colocated_replicas(placement: Placement, used_L: NDArray[np.bool_]) -> float:
    """Return the share of slots with a second copy of an expert already on the same GPU, over ``used [L]``."""
    distinct_L = _experts_on_gpus(placement).sum(axis=(1, 2))
    return float(1 - distinct_L[used_L].mean() / placement.topology.num_slots) if used_L.any() else float("nan")


def group_locality(placement: Placement, used_L: NDArray[np.bool_]) -> float:
    """Return the share of expert groups, over the layers ``used [L]``, that lie on one node with all replicas.

    NaN where the experts do not divide into the topology's groups.
    """
    topology = placement.topology
    if placement.num_experts % topology.num_groups or not used_L.any():
        return float("nan")
    group_LP = placement.phy2log[used_L] // (placement.num_experts // topology.num_groups)
    num_layers = group_LP.shape[0]
    node_P = np.arange(topology.num_slots) // topology.slots_per_node
    on_node_LQN = np.zeros((num_layers, topology.num_groups, topology.num_nodes), dtype=bool)
    on_node_LQN[np.arange(num_layers)[:, None], group_LP, node_P] = True
    return float((on_node_LQN.sum(axis=2) == 1).mean())
