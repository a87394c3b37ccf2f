"""How often redundant slots alone can go round the GPUs."""

from __future__ import annotations

import numpy as np

from eplb_variants.loads import IntArray
from eplb_variants.rings.hot_ring import strides
from eplb_variants.topology import Topology


def laps(num_experts: int, topology: Topology) -> IntArray:
    """Return the stride of each lap, one for every redundant slot of a GPU, where each expert has one slot besides.

    Empty where redundant slots do not divide over GPUs, there are not so many strides, or a GPU has fewer experts of
    its own than redundant slots; UnfitError where there are fewer slots than experts.
    """
    topology.check_experts(num_experts)
    redundant, left = divmod(topology.num_slots - num_experts, topology.num_gpus)
    steps = strides(topology.num_gpus)
    fits = topology.num_gpus > 1 and not left and redundant <= min(len(steps), topology.slots_per_gpu - redundant)
    return steps[:redundant] if fits else np.empty(0, dtype=np.int64)
