"""The aligner that names nodes, GPUs and slots of a new placement so that the fewest weights move.

Shapes: L layers, P slots, G GPUs, N nodes, E logical experts.
"""

from __future__ import annotations

import numpy as np

from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.registry import register
from eplb_variants.topology import Topology


@register("aligner", "fewest_moves", "the new placement, its nodes and GPUs named so that the fewest weights move")
def fewest_moves(load: FloatArray, slots: IntArray, topology: Topology, previous: IntArray) -> IntArray:
    """Return ``slots [L, P]`` with GPUs in another order, for what is in place, ``previous [L, P]``.

    All nodes are alike, and so are the GPUs of a node. So which GPU gets which pack is an assignment problem, whose
    answer keeps the most experts where they are: for each node of the new placement and each in place, that of their
    GPUs; then that of the nodes. Both are solved exactly (SciPy's version of Jonker and Volgenant 1987). Experts that
    stay on a GPU keep their slots. A pack goes to a GPU of the speed that it was made for.
    """
    return np.array([_aligned(*rows, topology) for rows in zip(slots, previous, strict=True)])


def _aligned(slots_P: IntArray, previous_P: IntArray, topology: Topology) -> IntArray:
    from scipy.optimize import linear_sum_assignment  # a tenth of a second to import, wanted here alone

    num_nodes, num_gpus, size = topology.num_nodes, topology.num_gpus, topology.slots_per_gpu
    new_GS, old_GS = slots_P.reshape(num_gpus, size), previous_P.reshape(num_gpus, size)
    kept_GG = kept(new_GS, old_GS)
    speed_G = topology.relative_speeds
    kept_GG[speed_G[:, None] != speed_G] = -slots_P.size  # whatever else is better
    by_node = kept_GG.reshape(num_nodes, -1, num_nodes, topology.gpus_per_node).swapaxes(1, 2)
    inner = [[linear_sum_assignment(-by_node[new, old])[1] for old in range(num_nodes)] for new in range(num_nodes)]
    own = np.arange(topology.gpus_per_node)
    value_NN = [[by_node[new, old][own, inner[new][old]].sum() for old in range(num_nodes)] for new in range(num_nodes)]
    goes_N = linear_sum_assignment(-np.array(value_NN))[1]
    aligned_GS = np.empty_like(old_GS)
    for new, old in enumerate(goes_N):
        first = topology.gpus_per_node * np.array([new, old])
        for gpu, there in enumerate(inner[new][old]):
            aligned_GS[first[1] + there] = in_place(new_GS[first[0] + gpu], old_GS[first[1] + there])
    return aligned_GS.ravel()


def kept(new_GS: IntArray, old_GS: IntArray) -> IntArray:
    """Return ``[G, G]`` how many slots of each new pack hold an expert that each GPU has already."""
    num_experts = max(new_GS.max(), old_GS.max()) + 1
    has_GE = np.zeros((len(old_GS), num_experts), dtype=np.int64)
    has_GE[np.arange(len(old_GS))[:, None], old_GS] = 1
    slots_GE = np.zeros_like(has_GE)
    np.add.at(slots_GE, (np.arange(len(new_GS))[:, None], new_GS), 1)
    found: IntArray = slots_GE @ has_GE.T
    return found


def in_place(new_S: IntArray, old_S: IntArray) -> IntArray:
    """Return the experts of a GPU in an order in which those that it has already keep their slots."""
    left = new_S.tolist()
    placed: list[int | None] = []
    for expert in old_S.tolist():
        stays = expert in left
        placed.append(expert if stays else None)
        if stays:
            left.remove(expert)
    return np.array([left.pop(0) if expert is None else expert for expert in placed])
