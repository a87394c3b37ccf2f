"""What a placement is worth on a load. Sums are in float64, whatever the variant worked in.

Layers without any load (the dense layers of real traces) are left out of every mean. Where GPUs are of uneven speed,
loads are over speeds, whose mean is 1: what a GPU takes, not what it has. Then 1 is balance in time.
Shapes: L layers, E logical experts, P slots, G GPUs, N nodes, Q groups.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eplb_variants.kernels.compiled import ready
from eplb_variants.kernels.flow import flow_peaks, near_peaks
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.placement import Placement
from evaluator.quality.kernels import (
    GPU_MEAN,
    GPU_PEAK,
    GPU_RATIO,
    NODE_MEAN,
    NODE_PEAK,
    SLOT_MEAN,
    SLOT_PEAK,
    USED,
    balance_sums,
    local_groups,
    second_copies,
    slots_moved,
)

ROUNDING = 1e-9
"""Tiles: what shares that add up to whole tiles may be off by."""


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


def gpu_loads(load_LE: NDArray[np.generic], placement: Placement) -> FloatArray:
    """Return ``[L, G]``: tokens of each GPU if replicas of an expert share its tokens evenly."""
    per_replica_LE = load_LE.astype(np.float64) / placement.logcnt
    slots_LP = np.take_along_axis(per_replica_LE, placement.phy2log, axis=1)
    return slots_LP.reshape(slots_LP.shape[0], placement.topology.num_gpus, -1).sum(axis=2)


def balance(load_LE: NDArray[np.generic], placement: Placement) -> Balance:
    """Return how evenly ``placement`` spreads ``load [L, E]``."""
    topology = placement.topology
    sums = balance_sums(
        ready(load_LE), ready(placement.phy2log, np.int64), topology.relative_speeds, topology.num_nodes
    )
    if not sums[USED]:
        return Balance(*[float("nan")] * 4)
    return Balance(
        float(sums[GPU_MEAN] / sums[GPU_PEAK]),
        float(sums[NODE_MEAN] / sums[NODE_PEAK]),
        float(sums[SLOT_MEAN] / sums[SLOT_PEAK]),
        float(sums[GPU_RATIO] / sums[USED]),
    )


def balance_split(load_LE: NDArray[np.generic], placement: Placement, share_LP: FloatArray) -> Balance:
    """Return how evenly ``placement`` spreads ``load [L, E]`` if slots get ``share [L, P]`` of their tokens."""
    topology = placement.topology
    slots_LP = np.take_along_axis(load_LE.astype(np.float64), placement.phy2log, axis=1) * share_LP
    slots_LP = slots_LP[load_LE.any(axis=1)]
    if not len(slots_LP):
        return Balance(*[float("nan")] * 4)
    speed_P = np.repeat(topology.relative_speeds, topology.slots_per_gpu)

    def parts(number: int) -> tuple[float, FloatArray, FloatArray]:
        """Return mean over peak of so many equal parts of the slots, and both by layer."""
        load = slots_LP.reshape(len(slots_LP), number, -1).sum(axis=2)
        mean_L, peak_L = load.mean(axis=1), (load / speed_P.reshape(number, -1).mean(axis=1)).max(axis=1)
        return float(mean_L.sum() / peak_L.sum()), mean_L, peak_L

    gpu, mean_L, peak_L = parts(topology.num_gpus)
    return Balance(gpu, parts(topology.num_nodes)[0], parts(topology.num_slots)[0], float((mean_L / peak_L).mean()))


def imbalance(load_LE: NDArray[np.generic], placement: Placement, share_LP: FloatArray | None = None) -> float:
    """Return the sum over layers of the maximum GPU load over that of the mean, 1 or more; NaN where there is no load.

    Tokens are split by ``share [L, P]``, or evenly. It is one over ``balance().gpu``: how many times as long a step
    takes as one that is in balance, where time is load.
    """
    balanced = balance(load_LE, placement) if share_LP is None else balance_split(load_LE, placement, share_LP)
    return 1.0 / balanced.gpu


def imbalance_tiles(load_LE: NDArray[np.generic], placement: Placement, share_LP: FloatArray | None = None) -> float:
    """Return ``imbalance`` where a GPU computes whole tiles of ``topology.alignment`` tokens for each slot.

    The fullest GPU's tiles are compared with the mean load without them: it is how many times as long a step takes as
    one in balance without tiles, so placements that fill tiles badly are told from such as fill them well. NaN where
    there is no load.
    """
    topology = placement.topology
    load_LP = np.take_along_axis(np.asarray(load_LE, dtype=float), placement.phy2log, axis=1)
    if share_LP is None:  # token by token to the copies in turn
        logcnt_LP = np.take_along_axis(placement.logcnt, placement.phy2log, axis=1)
        load_LP = np.maximum(np.ceil((load_LP - placement.rank) / logcnt_LP), 0)
    else:
        load_LP = load_LP * share_LP
    tiled_LP = np.ceil(load_LP / topology.alignment - ROUNDING) * topology.alignment
    tiled_LG = tiled_LP.reshape(len(tiled_LP), topology.num_gpus, -1).sum(axis=2) / topology.relative_speeds
    mean = float(np.asarray(load_LE).sum()) / topology.num_gpus
    return float(tiled_LG.max(axis=1).sum()) / mean if mean > 0 else float("nan")


def active_experts(load_LE: NDArray[np.generic], placement: Placement, share_LP: FloatArray | None = None) -> float:
    """Return the most slots with tokens that a GPU has in ``load [L, E]``, mean over layers with load; NaN without any.

    What a GPU must read weights for: where a step has few tokens, that takes the time, and not the tokens (METRO). An
    expert's first copies get its tokens where there are fewer tokens than copies, unless slots get ``share [L, P]``.
    """
    used_L = load_LE.any(axis=1)
    if not used_L.any():
        return float("nan")
    tokens_LP = np.take_along_axis(np.asarray(load_LE), placement.phy2log, axis=1)
    is_active_LP = tokens_LP > placement.rank if share_LP is None else tokens_LP * share_LP > 0
    active_LG = is_active_LP.reshape(len(tokens_LP), placement.topology.num_gpus, -1).sum(axis=2)
    return float(active_LG.max(axis=1)[used_L].mean())


class Fetched(NamedTuple):
    """What a balancer within a step does for a step; NaN where there is no load."""

    fetched: float
    """Slots that get an expert which was not on their GPU, mean over layers with load."""
    fetched_worst: float
    """The most of them on one GPU, mean over layers with load: what it has to wait for."""
    stuck: float
    """Share of the tokens that GPUs have above the mean all the same."""


def fetched(load_LE: NDArray[np.generic], placement: Placement, step: Placement, share_LP: FloatArray) -> Fetched:
    """Return what it takes to go from ``placement`` to that of a ``step`` with ``load [L, E]``, and what is left.

    The slots of the step get ``share [L, P]``.
    """
    used_L = load_LE.any(axis=1)
    if not used_L.any():
        return Fetched(*[float("nan")] * 3)
    num_gpus = placement.topology.num_gpus
    before_LGS, after_LGS = (p.phy2log[used_L].reshape(int(used_L.sum()), num_gpus, -1) for p in (placement, step))
    is_new_LGS = ~(after_LGS[:, :, :, None] == before_LGS[:, :, None, :]).any(axis=3)
    new_LG = is_new_LGS.sum(axis=2)
    slots_LP = np.take_along_axis(load_LE.astype(np.float64), step.phy2log, axis=1) * share_LP
    load_LG = slots_LP[used_L].reshape(len(new_LG), num_gpus, -1).sum(axis=2)
    above_LG = np.maximum(load_LG - load_LG.mean(axis=1, keepdims=True) * placement.topology.relative_speeds, 0)
    return Fetched(
        float(new_LG.sum(axis=1).mean()), float(new_LG.max(axis=1).mean()), float(above_LG.sum() / load_LG.sum())
    )


def balance_dispatched(load_LE: NDArray[np.generic], placement: Placement) -> float:
    """Return the balancedness of GPUs if tokens were split over each expert's replicas as well as can be; NaN as above.

    No split of ``load [L, E]`` over these replicas has a lower peak in any layer.
    """
    load = ready(load_LE)
    total = float(load.sum())
    return total / placement.topology.num_gpus / float(flow_peaks(load, placement).sum()) if total else float("nan")


class Traffic(NamedTuple):
    """How a placement does where expert groups belong on one node, and what leaves it; NaN where there is no load."""

    balancedness_gpu_dispatch: float
    """As ``balance_dispatched``."""
    remote_tokens: float
    """Share of the tokens that go to another node than their expert's group's, by the variant's own dispatch."""
    remote_tokens_dispatch: float
    """The same if tokens were split as well as can be, beginning with each on its own node."""
    balancedness_gpu_near: float
    """Balancedness of GPUs if tokens left their node only while it is below ``NEAR``."""
    remote_tokens_near: float
    """Share of the tokens that leave their node then."""


NEAR = 0.95
"""Balancedness of GPUs for which tokens may leave their node, and beyond which they need not."""


def home_nodes(placement: Placement) -> IntArray:
    """Return ``[L, E]`` the node of each expert's group: the one with most of the group's experts, or the first such.

    Experts must divide into the topology's groups.
    """
    topology, (num_layers, num_slots) = placement.topology, placement.phy2log.shape
    is_there = np.zeros((num_layers, topology.num_nodes, placement.num_experts), dtype=bool)
    node_P = np.arange(num_slots) // topology.slots_per_node
    is_there[np.arange(num_layers)[:, None], node_P, placement.phy2log] = True
    of_group = is_there.reshape(num_layers, topology.num_nodes, topology.num_groups, -1).sum(axis=3)
    home: IntArray = np.repeat(of_group.argmax(axis=1), placement.num_experts // topology.num_groups, axis=1)
    return home


def traffic(
    load_LE: NDArray[np.generic], placement: Placement, home_LE: IntArray, share_LP: FloatArray | None = None
) -> Traffic:
    """Return what ``placement`` is worth on ``load [L, E]`` by the tokens that leave the nodes ``home [L, E]``.

    ``remote_tokens`` are those of ``share [L, P]``, or of even shares.
    """
    load, total = ready(load_LE), float(load_LE.sum())
    if not total:
        return Traffic(*[float("nan")] * len(Traffic._fields))
    topology = placement.topology
    node_P = np.arange(topology.num_slots) // topology.slots_per_node
    if share_LP is None:
        slots_LP = np.take_along_axis(load / placement.logcnt, placement.phy2log, axis=1)
    else:
        slots_LP = np.take_along_axis(load, placement.phy2log, axis=1) * share_LP
    away_LP = np.take_along_axis(home_LE, placement.phy2log, axis=1) != node_P
    found = near_peaks(load, placement, home_LE, NEAR)
    mean = total / topology.num_gpus
    return Traffic(
        mean / float(found.best_L.sum()),
        float(slots_LP[away_LP].sum()) / total,
        float(found.remote_L.sum()) / total,
        mean / float(found.near_L.sum()),
        float(found.remote_near_L.sum()) / total,
    )


def moved_slots(previous: Placement, placement: Placement, used_L: NDArray[np.bool_]) -> float:
    """Return the share of slots whose expert was not on that GPU before, over the layers ``used [L]``."""
    before, after = (ready(p.phy2log, np.int64) for p in (previous, placement))
    moved = slots_moved(before, after, placement.topology.num_gpus, placement.num_experts, ready(used_L, np.bool_))
    return _share(moved, used_L, placement.topology.num_slots)


def colocated_replicas(placement: Placement, used_L: NDArray[np.bool_]) -> float:
    """Return the share of slots with a second copy of an expert already on the same GPU, over ``used [L]``."""
    phy2log, topology = ready(placement.phy2log, np.int64), placement.topology
    second = second_copies(phy2log, topology.num_gpus, placement.num_experts, ready(used_L, np.bool_))
    return _share(second, used_L, topology.num_slots)


def group_locality(placement: Placement, used_L: NDArray[np.bool_]) -> float:
    """Return the share of expert groups, over the layers ``used [L]``, that lie on one node with all replicas.

    NaN where the experts do not divide into the topology's groups.
    """
    topology, num_experts = placement.topology, placement.num_experts
    if num_experts % topology.num_groups:
        return float("nan")
    phy2log, used = ready(placement.phy2log, np.int64), ready(used_L, np.bool_)
    local = local_groups(phy2log, topology.num_nodes, topology.num_groups, num_experts, used)
    return _share(local, used_L, topology.num_groups)


def _share(count: int, used_L: NDArray[np.bool_], of_each: int) -> float:
    """Return a count over the used layers as a share; NaN where there are none."""
    num_used = int(used_L.sum())
    return count / (num_used * of_each) if num_used else float("nan")
