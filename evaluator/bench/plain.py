"""DeepSeek's rule as one would first write it: layer by layer, item by item, in Python and torch.

It is the oracle and the yardstick of the placement benchmark, and says the algorithm in the fewest words. Ties go to
the lower item, pack and expert, as everywhere here. Shapes: E logical experts, P slots, M items, K packs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eplb_variants import Placement, Topology, Variant
from eplb_variants.contracts import Replication
from eplb_variants.forecasting.last import last
from eplb_variants.loads import FloatArray

if TYPE_CHECKING:
    import torch


def pack(weight_M: torch.Tensor, num_packs: int) -> list[list[int]]:
    """Return the items of each pack: the heaviest item left goes into the lightest pack with room."""
    import torch

    capacity = len(weight_M) // num_packs
    if capacity == 1:
        return [[item] for item in range(len(weight_M))]
    packs: list[list[int]] = [[] for _ in range(num_packs)]
    load_K = torch.zeros(num_packs, dtype=weight_M.dtype)
    for item in torch.sort(weight_M, descending=True, stable=True).indices:
        open_K = torch.tensor([len(held) < capacity for held in packs])
        lightest = int(torch.where(open_K, load_K, torch.inf).argmin())
        packs[lightest].append(int(item))
        load_K[lightest] += weight_M[item]
    return packs


def replicate(load_E: torch.Tensor, num_slots: int) -> list[tuple[int, int]]:
    """Return expert and rank of each column: one copy of all, each further one to the largest load per copy."""
    import torch

    columns = [(expert, 0) for expert in range(len(load_E))]
    count_E = torch.ones(len(load_E), dtype=torch.int64)
    for _ in range(num_slots - len(load_E)):
        expert = int((load_E / count_E).argmax())
        columns.append((expert, int(count_E[expert])))
        count_E[expert] += 1
    return columns


def place_layer(load_E: torch.Tensor, topology: Topology) -> list[tuple[int, int]]:
    """Return expert and rank of each slot of a layer."""
    import torch

    group_size = len(load_E) // topology.num_groups
    group_load = load_E.reshape(topology.num_groups, group_size).sum(dim=1)
    slots = []
    for groups in pack(group_load, topology.num_nodes):
        experts = [group * group_size + i for group in groups for i in range(group_size)]
        local_load = load_E[experts]
        columns = replicate(local_load, topology.slots_per_node)
        count = torch.bincount(torch.tensor([expert for expert, _ in columns]))
        weight = torch.stack([local_load[expert] / count[expert] for expert, _ in columns])
        for gpu in pack(weight, topology.gpus_per_node):
            slots += [(experts[columns[column][0]], columns[column][1]) for column in gpu]
    return slots


def place(load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
    """Place ``load [L, E]`` as ``deepseek`` does; ``previous`` is not looked at."""
    import torch

    if not topology.hierarchical:
        topology = topology.flat()
    topology.check_groups(load.shape[1])
    layers = np.array([place_layer(row, topology) for row in torch.from_numpy(load)])
    phy2log, rank = layers[:, :, 0], layers[:, :, 1]
    return Replication(phy2log, rank, np.array([np.bincount(row, minlength=load.shape[1]) for row in phy2log]))


PLAIN = Variant("plain", "DeepSeek's rule, layer by layer in Python and torch", last, place)
