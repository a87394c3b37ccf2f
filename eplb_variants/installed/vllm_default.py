"""vLLM's ``default`` policy: its edition of DeepSeek's EPLB, in NumPy, that lets experts keep their slots on a GPU."""

from __future__ import annotations

import numpy as np

from eplb_variants.contracts import Replication
from eplb_variants.installed.loading import run_engine
from eplb_variants.installed.tensors import to_engine
from eplb_variants.loads import FloatArray, as_numpy
from eplb_variants.placement import Placement, count_replicas, number_replicas
from eplb_variants.registry import register
from eplb_variants.topology import Topology

MODULE = "vllm.distributed.eplb.policy.default"


@register("placer", "vllm_default", "vLLM's default policy, run from the installed vllm", requires="vllm")
def vllm_default(load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
    """Place ``load [L, E]`` by ``DefaultEplbPolicy.rebalance_experts``, which names slots only; copies are counted.

    vLLM hands over the map in place, and so does this where ``previous`` has as many layers, slots and GPUs: an expert
    that stays on its GPU keeps its slot, which changes the order within GPUs and nothing else. Hierarchical where the
    groups divide over the nodes, as vLLM chooses. It plans in float32 and sorts with an unstable sort, which may break
    exact ties otherwise on another processor. Zero rows are valid.

    Raises:
        UnfitError: vLLM is missing or laid out otherwise, or the load and the topology are none for it.
    """
    import torch

    in_place = None
    if previous is not None and _same_slots(previous, len(load), topology):
        in_place = torch.from_numpy(np.array(previous.phy2log))
    phy2log = run_engine(
        MODULE,
        "DefaultEplbPolicy.rebalance_experts",
        weight=to_engine(load, topology),
        num_replicas=topology.num_slots,
        num_groups=topology.num_groups,
        num_nodes=topology.num_nodes,
        num_ranks=topology.num_gpus,
        old_global_expert_indices=in_place,
    )
    phy2log_LP = as_numpy(phy2log).astype(np.int64)
    return Replication(phy2log_LP, number_replicas(phy2log_LP), count_replicas(phy2log_LP, load.shape[1]))


def _same_slots(previous: Placement, num_layers: int, topology: Topology) -> bool:
    same_gpus = previous.topology.num_gpus == topology.num_gpus
    return same_gpus and previous.phy2log.shape == (num_layers, topology.num_slots)
