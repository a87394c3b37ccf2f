"""SGLang's ``deepseek``: its edition of DeepSeek's EPLB, the default of its ``--eplb-algorithm auto``."""

from __future__ import annotations

from eplb_variants.contracts import Replication
from eplb_variants.installed.loading import run_engine
from eplb_variants.installed.tensors import from_engine, to_engine
from eplb_variants.loads import FloatArray
from eplb_variants.placement import Placement
from eplb_variants.registry import register
from eplb_variants.topology import Topology

MODULE = "sglang.srt.eplb.eplb_algorithms.deepseek"


@register("placer", "sglang_deepseek", "SGLang's deepseek, run from the installed sglang", requires="sglang")
def sglang_deepseek(load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
    """Place ``load [L, E]`` by ``rebalance_experts`` of SGLang's module; ``previous`` is not looked at.

    Hierarchical where the groups divide over the nodes, as SGLang chooses by itself. It plans in float32 and sorts
    with an unstable sort: exact ties, and loads that differ only beyond float32, may fall another way than in
    ``deepseek``. Zero rows are valid.

    Raises:
        UnfitError: SGLang is missing or laid out otherwise, or the load and the topology are none for it.
    """
    phy2log, log2phy, logcnt = run_engine(
        MODULE,
        "rebalance_experts",
        weight=to_engine(load, topology),
        num_replicas=topology.num_slots,
        num_groups=topology.num_groups,
        num_nodes=topology.num_nodes,
        num_gpus=topology.num_gpus,
        enable_hierarchical=topology.hierarchical,
    )
    return from_engine(phy2log, log2phy, logcnt)
