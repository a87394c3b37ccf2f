"""What planners begin with that change what is in force, and how their answer is written down.

Shapes: L layers, E logical experts, P slots, G GPUs, S slots of a GPU.
"""

from __future__ import annotations

import numpy as np

from eplb_variants.aligning.fewest_moves import in_place
from eplb_variants.contracts import Replication
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.placement import Placement, check_in_place, count_replicas, number_replicas
from eplb_variants.reacting.at_home import at_home
from eplb_variants.topology import Topology


def in_force(load: FloatArray, topology: Topology, previous: Placement | None) -> IntArray:
    """Return the slots ``[L, G, S]`` that are in place, to be changed; at first, every expert at home by number.

    Raises:
        EplbError: there are fewer slots than experts, or what is in place is of another shape.
    """
    topology.check_experts(load.shape[1])
    if previous is None:
        slots_LP = at_home(load, topology, None).phy2log
    else:
        slots_LP = previous.phy2log.copy()
        check_in_place(previous, (len(load), topology.num_slots), load.shape[1])
    return slots_LP.reshape(len(load), topology.num_gpus, topology.slots_per_gpu)


def settled(slots_LGS: IntArray, before_LGS: IntArray, num_experts: int) -> Replication:
    """Return slots as a placement; an expert that stays on its GPU keeps its slot."""
    for layer, gpu in np.argwhere((slots_LGS != before_LGS).any(axis=2)):
        slots_LGS[layer, gpu] = in_place(slots_LGS[layer, gpu], before_LGS[layer, gpu])
    slots_LP = slots_LGS.reshape(len(slots_LGS), -1)
    return Replication(slots_LP, number_replicas(slots_LP), count_replicas(slots_LP, num_experts))
