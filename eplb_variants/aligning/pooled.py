"""The aligner whose budget is for all layers together: some are placed anew, the others changed in place or left alone.

Shapes: L layers, P slots, E logical experts, G GPUs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eplb_variants.aligning.bounded import Bounded
from eplb_variants.aligning.fewest_moves import fewest_moves
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.placement import count_replicas
from eplb_variants.registry import register
from eplb_variants.topology import Topology

LEAST_PART = 1 / 8
"""A layer that is placed anew is taken to move this part of its slots at least: it is not looked at for less gain."""
Change = Callable[[FloatArray, IntArray, Topology, IntArray], IntArray]
"""How ``bounded`` answers."""


@register(
    "aligner", "pooled", "at most `max_moves` of all slots: layers placed anew where a move gains most, or changed"
)
@dataclass(frozen=True)
class Pooled:
    """Move at most a part of all slots, in the layers in which a move gains most.

    Each layer has two ways on: the placement in place, changed as ``bounded`` changes it, and the new one, named by
    ``fewest_moves``. A group that has become too heavy for its node needs the second one, which moves too much for a
    layer's own part. Layers go from the first to the second by what they gain for each further slot that moves, the
    best first, as far as the budget of all layers allows and the price is met. That a budget is spent on the layers
    that gain most for each moved expert is the rule of SwiftBalancer's second version.

    Args:
        max_moves: part of the slots of all layers that may move, 0 to 1.
        price: what a slot that is moved in place must lower the fullest GPU by at least, as a part of the mean load of
            a GPU.
        price_anew: the same of a layer that is placed anew, for each slot that moves besides.
    """

    max_moves: float = 0.1
    price: float = 0.0
    price_anew: float = 0.0

    def __post_init__(self) -> None:
        Bounded(self.max_moves, self.price)
        Bounded(self.max_moves, self.price_anew)

    @property
    def bounded(self) -> Bounded:
        """What changes a layer in place."""
        return Bounded(self.max_moves, self.price)

    def __call__(self, load: FloatArray, slots: IntArray, topology: Topology, previous: IntArray) -> IntArray:
        """Return a row of either for each layer of ``load [L, E]``."""
        return self.chosen(self.bounded, load, slots, topology, previous)

    def chosen(
        self, change: Change, load: FloatArray, slots: IntArray, topology: Topology, previous: IntArray
    ) -> IntArray:
        """Return what ``__call__`` does, ``change`` changing layers in place."""
        num_gpus = topology.num_gpus
        made_LP = change(load, slots, topology, previous).copy()
        moves_L = moves(made_LP, previous, num_gpus)
        budget = int(np.floor(self.max_moves * slots.size + 1e-9)) - int(moves_L.sum())
        gain_L = peaks(load, made_LP, topology) - peaks(load, slots, topology)  # whatever equals are called
        least_L = self.price_anew * load.sum(axis=1) / num_gpus
        worth = np.flatnonzero(gain_L > least_L * (LEAST_PART * slots.shape[1]))
        if budget <= 0 or not worth.size:
            return made_LP
        anew_LP = fewest_moves(load[worth], slots[worth], topology, previous[worth])
        more = moves(anew_LP, previous[worth], num_gpus) - moves_L[worth]
        rate = gain_L[worth] / np.maximum(more, 1)
        for which in np.argsort(-rate, kind="stable"):
            if rate[which] >= least_L[worth[which]] and more[which] <= budget:
                made_LP[worth[which]] = anew_LP[which]
                budget -= int(max(more[which], 0))
        return made_LP


def moves(made_LP: IntArray, previous_LP: IntArray, num_gpus: int) -> IntArray:
    """Return ``[L]`` how many slots hold an expert that was not on their GPU before."""
    size = made_LP.shape[1] // num_gpus
    made, before = (slots.reshape(len(slots), num_gpus, size) for slots in (made_LP, previous_LP))
    stays = (made[..., :, None] == before[..., None, :]).any(axis=3)
    found: IntArray = (~stays).sum(axis=(1, 2))
    return found


def peaks(load_LE: FloatArray, slots_LP: IntArray, topology: Topology) -> FloatArray:
    """Return ``[L]`` the load over its speed of the fullest GPU, tokens being shared evenly."""
    share_LP = np.take_along_axis(load_LE / count_replicas(slots_LP, load_LE.shape[1]), slots_LP, axis=1)
    # sums from the left, whatever the width of the processor's registers
    gpu_LG = share_LP.reshape(len(load_LE), topology.num_gpus, -1).cumsum(axis=2)[:, :, -1]
    found: FloatArray = (gpu_LG / topology.relative_speeds).max(axis=1)
    return found
