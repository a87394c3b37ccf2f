"""SGLang's ``elasticity_aware``: its ``deepseek`` over the ranks that are alive."""

from __future__ import annotations

from eplb_variants.contracts import Replication
from eplb_variants.installed.loading import run_engine
from eplb_variants.installed.tensors import from_engine, to_engine
from eplb_variants.loads import FloatArray
from eplb_variants.placement import Placement
from eplb_variants.registry import register
from eplb_variants.topology import Topology

MODULE = "sglang.srt.eplb.eplb_algorithms.elasticity_aware"


@register(
    "placer",
    "sglang_elasticity_aware",
    "SGLang's elasticity_aware with every rank alive, run from the installed sglang",
    requires="sglang",
)
def sglang_elasticity_aware(load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
    """Place ``load [L, E]`` by ``rebalance_experts`` of SGLang's module; ``previous`` is not looked at.

    A topology has no dead GPUs, so every rank is alive, and then it answers as ``sglang_deepseek`` does: hierarchical
    where the groups divide over the nodes, in float32, with an unstable sort.

    Raises:
        UnfitError: SGLang is missing or laid out otherwise, or the load and the topology are none for it.
    """
    import torch

    phy2log, log2phy, logcnt = run_engine(
        MODULE,
        "rebalance_experts",
        weight=to_engine(load, topology),
        num_replicas=topology.num_slots,
        num_groups=topology.num_groups,
        num_nodes=topology.num_nodes,
        num_gpus=topology.num_gpus,
        enable_hierarchical=topology.hierarchical,
        active_ranks=torch.ones(topology.num_gpus, dtype=torch.int32),
    )
    return from_engine(phy2log, log2phy, logcnt)
