"""Replicas and packing for loads that vary, by a search over how many replicas go to the hottest, as FlashLB does.

Shapes: W windows, L layers, E logical experts, G GPUs, S slots of a GPU, R turns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from eplb_variants.aligning.fewest_moves import fewest_moves
from eplb_variants.contracts import Replication
from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.placement import Placement, check_in_place, count_replicas, number_replicas
from eplb_variants.registry import register
from eplb_variants.replication.dhondt import dhondt
from eplb_variants.topology import Topology

Packed = Callable[[float, FloatArray, FloatArray, IntArray, IntArray], None]
"""``packed_by_risk``, or its kernel."""


@register(
    "placer", "flashlb", "replicas and packing by mean, variance and covariance of the windows seen; keeps what will do"
)
@dataclass(frozen=True)
class FlashLB:
    """Plan for the mean of the last windows and for how loads vary together.

    An expert's risk is its mean and ``z`` standard deviations; a GPU's is that of its sum, covariances included.
    Experts fall into ``depth`` classes by risk. From the hottest class on, it is searched how many of the replicas that
    are left go to the class, up to ``width`` around its share of D'Hondt's, each tried by packing all: by falling mean
    load per replica, onto the GPU with least risk that lacks the expert. What is best has the lowest maximum over mean,
    on average over the windows. A layer whose own balance over the windows is ``enough`` stays, and so does one for
    which nothing better was found; GPUs are named so that the fewest weights move. This is FlashLB of vllm-ascend
    (2026), which also places a layer anew when its balance falls below nine tenths of what it once was; a stage
    remembers nothing.

    Args:
        windows: how many are looked at, 1 or more.
        z: standard deviations that count as risk, 0 or more; at the default, three quarters of all loads are below.
        depth: classes of experts, 1 or more.
        width: how far around D'Hondt's number of replicas is searched, 0 or more.
        enough: balance from which on a layer stays, 0 to 1; FlashLB's own value is 0.9 below 32 GPUs.
    """

    windows: int = 64
    z: float = 0.674
    depth: int = 4
    width: int = 8
    enough: float = 0.85

    takes_history = True

    def __post_init__(self) -> None:
        for name, least in (("windows", 1), ("depth", 1), ("width", 0)):
            if getattr(self, name) < least:
                raise EplbError(f"{name} is {getattr(self, name)}: it must be {least} or more")
        if not self.z >= 0:
            raise EplbError(f"z is {self.z}: it is a number of standard deviations, 0 or more")
        if not 0 <= self.enough <= 1:
            raise EplbError(f"enough is {self.enough}: it is a balance, 0 to 1")

    def __call__(self, history: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
        """Return the placement after ``history [W, L, E]``; UnfitError where there are fewer slots than experts."""
        return self.placed(packed_by_risk, history, topology, previous)

    def placed(
        self, packed: Packed, history: FloatArray, topology: Topology, previous: Placement | None
    ) -> Replication:
        """Return what ``__call__`` does, ``packed`` packing the replicas of a layer.

        Raises:
            EplbError: the placement in force is of another shape.
        """
        recent_WLE = history[-self.windows :]
        num_layers, num_experts = recent_WLE.shape[1:]
        topology.check_experts(num_experts)
        if previous is not None:
            check_in_place(previous, (num_layers, topology.num_slots), num_experts)
        slots_LP = np.empty((num_layers, topology.num_slots), dtype=np.int64)
        anew = []
        for layer in range(num_layers):
            load_WE = recent_WLE[:, layer]
            now = np.inf if previous is None else imbalance(load_WE, previous.phy2log[layer], topology.num_gpus)
            if previous is not None:
                slots_LP[layer] = previous.phy2log[layer]
            if previous is None or now * self.enough > 1:
                found_P = self._searched(packed, Risks.of(load_WE, self.z), load_WE, topology)
                if imbalance(load_WE, found_P, topology.num_gpus) < now:
                    slots_LP[layer] = found_P
                    anew.append(layer)
        if previous is not None and anew:
            before_LP = previous.phy2log[anew]
            slots_LP[anew] = fewest_moves(history[-1, anew], slots_LP[anew], topology.flat(), before_LP)
        return Replication(slots_LP, number_replicas(slots_LP), count_replicas(slots_LP, num_experts))

    def _searched(self, packed: Packed, risks: Risks, load_WE: FloatArray, topology: Topology) -> IntArray:
        """Return the best slots ``[P]`` that were found for a layer."""
        num_experts = load_WE.shape[1]
        order_E = np.argsort(-risks.risk_E, kind="stable")
        falling_E = risks.risk_E[order_E]
        left = topology.num_slots - num_experts
        copies_E = np.ones(num_experts, dtype=np.int64)
        size = -(-num_experts // self.depth)

        def slots(copies_in_order_E: IntArray) -> IntArray:
            slots_GS = np.full((topology.num_gpus, topology.slots_per_gpu), -1, dtype=np.int64)
            named_E = np.empty_like(copies_in_order_E)
            named_E[order_E] = copies_in_order_E
            packed(self.z, risks.mean_E, risks.covariance_EE, named_E, slots_GS)
            return slots_GS.ravel()

        for first in range(0, num_experts - size, size):
            last = first + size
            whole = Turns(falling_E[first:], left)
            own, others = Turns(falling_E[first:last], left), Turns(falling_E[last:], left)
            middle = int((whole.expert_R < size).sum())
            near = sorted(range(max(middle - self.width, 0), min(middle + self.width, left) + 1), key=_apart(middle))
            tried, found = [], []
            for here in near:
                copies_E[first:] = np.concatenate([own.copies(here), others.copies(left - here)])
                tried.append(copies_E.copy())
                found.append(imbalance(load_WE, slots(copies_E), topology.num_gpus))
            best = int(np.argmin(found))
            copies_E = tried[best]
            left -= near[best]
        if size >= num_experts:
            copies_E = Turns(falling_E, left).copies(left)
        return slots(copies_E)


class Turns:
    """Which experts of a class get further copies, one after another, by D'Hondt's rule."""

    def __init__(self, risk_E: FloatArray, number: int) -> None:
        self._size = risk_E.size
        self.expert_R: IntArray = dhondt(risk_E[None], risk_E.size + number).phy2log[0, risk_E.size :]

    def copies(self, number: int) -> IntArray:
        """Return the copies ``[E]`` of each after so many turns."""
        return 1 + np.bincount(self.expert_R[:number], minlength=self._size)


class Risks(NamedTuple):
    """How the loads of a layer's experts vary."""

    mean_E: FloatArray
    covariance_EE: FloatArray
    risk_E: FloatArray
    """Mean and some standard deviations."""

    @classmethod
    def of(cls, load_WE: FloatArray, z: float) -> Risks:
        """Return them; without variance where there is one window."""
        mean_E = load_WE.mean(axis=0)
        off_WE = load_WE - mean_E
        covariance_EE = off_WE.T @ off_WE / max(len(load_WE) - 1, 1)
        return cls(mean_E, covariance_EE, mean_E + z * np.sqrt(covariance_EE.diagonal()))


def imbalance(load_WE: FloatArray, slots_P: IntArray, num_gpus: int) -> float:
    """Return maximum over mean of the GPUs, on average over windows; 1 in a window without load."""
    each_WE = load_WE / np.maximum(np.bincount(slots_P, minlength=load_WE.shape[1]), 1)
    load_WG = each_WE[:, slots_P].reshape(len(load_WE), num_gpus, -1).sum(axis=2)
    mean_W = load_WG.mean(axis=1)
    return float(np.where(mean_W > 0, load_WG.max(axis=1) / np.where(mean_W > 0, mean_W, 1), 1).mean())


def _apart(middle: int) -> Callable[[int], tuple[int, int]]:
    """Return the key that sorts numbers by their distance from another, the smaller one first."""
    return lambda number: (abs(number - middle), number)


def packed_by_risk(
    z: float, mean_E: FloatArray, covariance_EE: FloatArray, copies_E: IntArray, slots_GS: IntArray
) -> None:
    """Fill the slots of a layer, by falling mean load per replica, each on the GPU whose risk is least with it."""
    num_gpus, size = slots_GS.shape
    load_G, variance_G = np.zeros(num_gpus), np.zeros(num_gpus)
    held_G = np.zeros(num_gpus, dtype=np.int64)
    for expert in np.argsort(-mean_E / copies_E, kind="mergesort"):
        copies = copies_E[expert]
        for _ in range(copies):
            chosen, chosen_lacks, least, its_variance = -1, False, 0.0, 0.0
            for gpu in range(num_gpus):
                if held_G[gpu] == size:
                    continue
                lacks = True
                variance = variance_G[gpu] + covariance_EE[expert, expert] / copies**2
                for place in range(held_G[gpu]):
                    other = slots_GS[gpu, place]
                    lacks = lacks and other != expert
                    variance += 2 * covariance_EE[expert, other] / copies / copies_E[other]
                risk = load_G[gpu] + mean_E[expert] / copies + z * np.sqrt(max(variance, 0.0))
                if chosen < 0 or (lacks and not chosen_lacks) or (lacks == chosen_lacks and risk < least):
                    chosen, chosen_lacks, least, its_variance = gpu, lacks, risk, variance
            slots_GS[chosen, held_G[chosen]] = expert
            held_G[chosen] += 1
            load_G[chosen] += mean_E[expert] / copies
            variance_G[chosen] = its_variance
