"""What balancers within a step begin and end with: homes, free slots, and the placement for the step.

Every expert has a home, the slot of its first copy, that is there all the time. All other slots of a GPU are free: for
a step they hold what a balancer fetches, and otherwise what they held.
Shapes: L layers, E logical experts, P slots, G GPUs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.placement import Placement, number_replicas

Assign = Callable[[FloatArray, IntArray, IntArray, FloatArray], None]
"""From a layer's load ``[E]``, the GPUs of homes ``[E]`` and the free slots of GPUs ``[G]`` to tokens ``[E, G]``, which
are those of homes alone when it is called."""


def check_numbers(free: int, expert_mib: float) -> None:
    """Raise EplbError where free slots or the size of an expert cannot be."""
    if free < 0:
        raise EplbError(f"free is {free}: it is a number of slots of each GPU, or 0 for all but homes")
    if not expert_mib > 0:
        raise EplbError(f"expert_mib is {expert_mib}: an expert's weights take more than 0 MiB")


def react(load_LE: FloatArray, placement: Placement, free: int, assign: Assign) -> Placement:
    """Return the placement of a step with the shares of its slots, as ``assign`` splits the load of each layer.

    Args:
        load_LE: tokens of the step.
        placement: what is in force; its first copies are homes.
        free: slots of a GPU that may hold other experts for the step, of those that are no homes; 0 for all.
        assign: what decides. It gives no GPU more experts of other homes than the GPU has free slots.
    """
    slots_LP, share_LP = placement.phy2log.copy(), np.zeros(placement.phy2log.shape)
    num_gpus = placement.topology.num_gpus
    size = placement.topology.slots_per_gpu
    for load_E, slots_P, rank_P, share_P in zip(load_LE, slots_LP, placement.rank, share_LP, strict=True):
        home_slots = np.flatnonzero(rank_P == 0)
        slot_of_E = np.empty(placement.num_experts, dtype=np.int64)
        slot_of_E[slots_P[home_slots]] = home_slots
        home_E = slot_of_E // size
        free_G = size - np.bincount(home_E, minlength=num_gpus)
        free_G = np.minimum(free_G, free) if free else free_G
        tokens_EG = np.zeros((placement.num_experts, num_gpus))
        tokens_EG[np.arange(placement.num_experts), home_E] = load_E
        assign(np.ascontiguousarray(load_E, dtype=float), home_E, free_G, tokens_EG)
        _fetch(tokens_EG, home_E, slot_of_E, slots_P, share_P, size)
    return Placement(slots_LP, number_replicas(slots_LP), placement.num_experts, placement.topology, share_LP)


def _fetch(
    tokens_EG: FloatArray, home_E: IntArray, slot_of_E: IntArray, slots_P: IntArray, share_P: FloatArray, size: int
) -> None:
    """Put experts of other homes into the free slots of each GPU, where they are already if they are, and share out."""
    total_E = tokens_EG.sum(axis=1)
    part_EG = tokens_EG / np.where(total_E > 0, total_E, 1)[:, None]
    share_P[slot_of_E] = np.where(total_E > 0, part_EG[np.arange(len(home_E)), home_E], 1)
    is_home_P = np.zeros(len(slots_P), dtype=bool)
    is_home_P[slot_of_E] = True
    part_EG[np.arange(len(home_E)), home_E] = 0
    for gpu in np.flatnonzero(part_EG.any(axis=0)):
        left = [slot for slot in range(gpu * size, (gpu + 1) * size) if not is_home_P[slot]]
        wanted = list(np.flatnonzero(part_EG[:, gpu]))
        there = {slots_P[slot]: slot for slot in reversed(left)}
        for expert in wanted:
            if expert in there:
                left.remove(there[expert])
        for expert in wanted:
            slot = there[expert] if expert in there else left.pop(0)
            slots_P[slot] = expert
            share_P[slot] = part_EG[expert, gpu]
