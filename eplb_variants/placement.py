"""What a balancer returns: which expert each slot holds, and the maps that follow from it.

Shapes: L layers, E logical experts, P slots, X replicas of the most replicated expert.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray, as_numpy
from eplb_variants.topology import Topology


def count_replicas(phy2log_LP: IntArray, num_experts: int) -> IntArray:
    """Return ``logcnt [L, E]``, the number of slots of each expert; ids must lie in ``[0, E)``."""
    num_layers = phy2log_LP.shape[0]
    flat = phy2log_LP + np.arange(num_layers)[:, None] * num_experts
    return np.bincount(flat.ravel(), minlength=num_layers * num_experts).reshape(num_layers, num_experts)


def number_replicas(phy2log_LP: IntArray) -> IntArray:
    """Return ``rank [L, P]``: copies of an expert numbered from 0 in the order of their slots."""
    num_layers, num_slots = phy2log_LP.shape
    order_LP = np.argsort(phy2log_LP, axis=1, kind="stable")
    sorted_LP = np.take_along_axis(phy2log_LP, order_LP, axis=1)
    position_LP = np.broadcast_to(np.arange(num_slots), sorted_LP.shape)
    starts_LP = np.ones_like(sorted_LP, dtype=bool)
    starts_LP[:, 1:] = sorted_LP[:, 1:] != sorted_LP[:, :-1]
    first_LP = np.maximum.accumulate(np.where(starts_LP, position_LP, 0), axis=1)
    rank_LP = np.empty((num_layers, num_slots), dtype=np.int64)
    np.put_along_axis(rank_LP, order_LP, position_LP - first_LP, axis=1)
    return rank_LP


@dataclass(frozen=True, eq=False)
class Placement:
    """A checked placement: ``phy2log`` is the truth, the other maps follow from it.

    Attributes:
        phy2log: ``[L, P]`` logical expert in each slot.
        rank: ``[L, P]`` number of the slot's copy among its expert's copies, from 0, each once.
        num_experts: ``E``.
        topology: the machine it was made for; ``P`` equals its ``num_slots``.
        share: ``[L, P]`` the part of its expert's tokens that each slot shall get, planned with the placement; None
            where nothing was planned.
    """

    phy2log: IntArray
    rank: IntArray
    num_experts: int
    topology: Topology
    share: FloatArray | None = None

    @cached_property
    def logcnt(self) -> IntArray:
        """``[L, E]`` copies of each expert, at least 1."""
        return count_replicas(self.phy2log, self.num_experts)

    @cached_property
    def log2phy(self) -> IntArray:
        """``[L, E, X]`` slots of each expert by rank, padded with -1."""
        num_layers, num_slots = self.phy2log.shape
        log2phy_LEX = np.full((num_layers, self.num_experts, int(self.logcnt.max())), -1, dtype=np.int64)
        layer_L1 = np.arange(num_layers)[:, None]
        log2phy_LEX[layer_L1, self.phy2log, self.rank] = np.arange(num_slots)
        return log2phy_LEX


def check_placement(
    phy2log: Any, num_experts: int, topology: Topology, *, rank: Any = None, logcnt: Any = None, log2phy: Any = None
) -> Placement:
    """Return a placement after checking that it is one; arrays may be NumPy or torch and are copied.

    Args:
        phy2log: ``[L, P]`` integers in ``[0, num_experts)``, every expert at least once in each layer.
        num_experts: ``E``.
        topology: what the placement must fit.
        rank: ``[L, P]`` numbers of the copies; counted in slot order where not given.
        logcnt: ``[L, E]`` counts that must agree with ``phy2log``, if given.
        log2phy: ``[L, E, X]`` slots that must list exactly each expert's slots, padded with -1, if given.

    Raises:
        EplbError: with the first offending layer.
    """
    placement = check_rows(phy2log, num_experts, topology, rank, logcnt, "layer")
    if log2phy is not None:
        _check_log2phy(whole_numbers("log2phy", log2phy, 3), placement)
    return placement


def check_rows(phy2log: Any, num_experts: int, topology: Topology, rank: Any, logcnt: Any, what: str) -> Placement:
    """Return what ``check_placement`` does; ``what`` a row is called in its errors."""
    phy2log_LP = whole_numbers("phy2log", phy2log, 2)
    if phy2log_LP.shape[0] == 0 or phy2log_LP.shape[1] != topology.num_slots:
        raise EplbError(f"phy2log has shape {list(phy2log_LP.shape)}: it must be [{what}s, {topology.num_slots}]")
    outside_LP = (phy2log_LP < 0) | (phy2log_LP >= num_experts)
    if outside_LP.any():
        row, slot = (int(i) for i in np.argwhere(outside_LP)[0])
        raise EplbError(
            f"{what} {row} puts expert {int(phy2log_LP[row, slot])} in slot {slot}: "
            f"experts are numbered 0 to {num_experts - 1}"
        )
    logcnt_LE = count_replicas(phy2log_LP, num_experts)
    if (logcnt_LE == 0).any():
        row, expert = (int(i) for i in np.argwhere(logcnt_LE == 0)[0])
        raise EplbError(f"{what} {row} has no slot for expert {expert}: every logical expert needs at least one")
    rank_LP = number_replicas(phy2log_LP) if rank is None else whole_numbers("rank", rank, 2)
    if rank is not None:
        _check_rank(phy2log_LP, rank_LP, logcnt_LE, what)
    if logcnt is not None:
        _check_logcnt(whole_numbers("logcnt", logcnt, 2), logcnt_LE, what)
    return Placement(phy2log_LP, rank_LP, num_experts, topology)


def check_in_place(previous: Placement, shape: tuple[int, ...], num_experts: int) -> None:
    """Raise EplbError where what is in place is no placement of ``shape [L, P]`` of so many experts."""
    if previous.phy2log.shape != shape or previous.num_experts != num_experts:
        raise EplbError(
            f"the placement in place has {list(previous.phy2log.shape)} slots of {previous.num_experts} experts: "
            f"it must have {list(shape)} of {num_experts}"
        )


def groups_stay_together(placement: Placement, num_groups: int) -> bool:
    """Return whether all replicas of every group of every layer lie on one node."""
    num_layers, num_slots = placement.phy2log.shape
    group_LP = placement.phy2log // (placement.num_experts // num_groups)
    node_P = np.arange(num_slots) // placement.topology.slots_per_node
    is_there_LXN = np.zeros((num_layers, num_groups, placement.topology.num_nodes), dtype=bool)  # X: groups
    is_there_LXN[np.arange(num_layers)[:, None], group_LP, node_P] = True
    return bool((is_there_LXN.sum(axis=2) == 1).all())


def whole_numbers(name: str, array: Any, ndim: int) -> IntArray:
    """Return a copy of an array of integers of any width as int64; EplbError where it is none of ``ndim`` axes."""
    raw = as_numpy(array, name)
    if raw.dtype.kind not in "iu":
        raise EplbError(f"{name} holds {raw.dtype} values: it must hold integers")
    if raw.ndim != ndim:
        raise EplbError(f"{name} has shape {list(raw.shape)}: it must have {ndim} axes")
    return np.array(raw, dtype=np.int64)


def _first_layer(wrong: np.ndarray) -> int:
    return int(np.argwhere(wrong)[0][0])


def _check_rank(phy2log_LP: IntArray, rank_LP: IntArray, logcnt_LE: IntArray, what: str) -> None:
    if rank_LP.shape != phy2log_LP.shape:
        raise EplbError(f"rank has shape {list(rank_LP.shape)}: it must be that of phy2log, {list(phy2log_LP.shape)}")
    num_layers, num_experts = logcnt_LE.shape
    expert_LP = phy2log_LP + np.arange(num_layers)[:, None] * num_experts  # numbered through all layers
    count = logcnt_LE.ravel()
    place_LP = (count.cumsum() - count)[expert_LP] + rank_LP  # if the copies of each expert lay side by side
    outside_LP = (rank_LP < 0) | (rank_LP >= count[expert_LP])
    taken = np.zeros(rank_LP.size + 1, dtype=bool)
    taken[np.where(outside_LP, rank_LP.size, place_LP)] = True
    wrong_L = ~taken[:-1].reshape(rank_LP.shape).all(axis=1)
    if wrong_L.any():
        raise EplbError(f"{what} {int(wrong_L.argmax())} does not number each expert's copies 0, 1, 2, ...")


def _check_logcnt(claimed_LE: IntArray, logcnt_LE: IntArray, what: str) -> None:
    if claimed_LE.shape != logcnt_LE.shape:
        raise EplbError(f"logcnt has shape {list(claimed_LE.shape)}: it must be {list(logcnt_LE.shape)}")
    if (claimed_LE != logcnt_LE).any():
        row, expert = (int(i) for i in np.argwhere(claimed_LE != logcnt_LE)[0])
        raise EplbError(
            f"{what} {row} claims {claimed_LE[row, expert]} copies of expert {expert} in logcnt, "
            f"but phy2log has {logcnt_LE[row, expert]}"
        )


def _check_log2phy(claimed_LEX: IntArray, placement: Placement) -> None:
    num_layers, num_slots = placement.phy2log.shape
    if claimed_LEX.shape[:2] != (num_layers, placement.num_experts):
        raise EplbError(
            f"log2phy has shape {list(claimed_LEX.shape)}: it must be [{num_layers}, {placement.num_experts}, X]"
        )
    wrong = (claimed_LEX < -1) | (claimed_LEX >= num_slots)
    if wrong.any():
        raise EplbError(f"layer {_first_layer(wrong)} names a slot outside 0 to {num_slots - 1} in log2phy")
    truth_LEX = placement.log2phy
    width = max(claimed_LEX.shape[2], truth_LEX.shape[2])
    claimed, truth = (
        np.sort(np.pad(a, ((0, 0), (0, 0), (0, width - a.shape[2])), constant_values=-1), axis=2)
        for a in (claimed_LEX, truth_LEX)
    )
    if (claimed != truth).any():
        layer, expert = (int(i) for i in np.argwhere(claimed != truth)[0][:2])
        raise EplbError(
            f"layer {layer} does not list exactly the slots of expert {expert} in log2phy: "
            "it must agree with phy2log, padded with -1"
        )
    padded = claimed_LEX == -1
    holes = padded[:, :, :-1] & ~padded[:, :, 1:]
    if holes.any():
        raise EplbError(f"layer {_first_layer(holes)} has a hole in log2phy: -1 may stand only at the end")
