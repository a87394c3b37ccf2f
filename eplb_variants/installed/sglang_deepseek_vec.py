"""SGLang's ``deepseek_vec``: replicas chosen over recorded steps, packed by a snake deal."""

from __future__ import annotations

from eplb_variants.contracts import Replication
from eplb_variants.installed.loading import run_engine
from eplb_variants.installed.tensors import from_engine, to_engine
from eplb_variants.loads import FloatArray
from eplb_variants.placement import Placement
from eplb_variants.registry import register
from eplb_variants.topology import Topology

MODULE = "sglang.srt.eplb.eplb_algorithms.deepseek_vec"


@register(
    "placer", "sglang_deepseek_vec", "SGLang's deepseek_vec on one step, from the installed sglang", requires="sglang"
)
def sglang_deepseek_vec(load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
    """Place ``load [L, E]`` by ``rebalance_experts`` of SGLang's module; ``previous`` is not looked at.

    In SGLang it sums the peak over the steps of ``[steps, L, E]``. A placer is called with what the forecaster made
    of the history, so here it sees one step: the windows' sum, or whatever the variant's forecaster expects.

    Hierarchical where the groups divide over the nodes; SGLang leaves that choice to the user. To tell ties apart it
    adds a ten-thousandth of the expert's number to each load, so loads must be tokens: for shares of one the numbers
    outweigh the loads, and beyond some thousand tokens float32 does not hold them. Where experts still tie for the
    peak, the extra replica goes to the first expert of all, loaded or not. Zero rows are valid; its sort is unstable.

    Raises:
        UnfitError: SGLang is missing or laid out otherwise, or the load and the topology are none for it.
    """
    phy2log, log2phy, logcnt = run_engine(
        MODULE,
        "rebalance_experts",
        tokens_per_expert=to_engine(load, topology)[None],
        num_physical_experts=topology.num_slots,
        num_local_physical_experts=topology.slots_per_gpu,
        num_groups=topology.num_groups,
        num_nodes=topology.num_nodes,
        enable_hierarchical=topology.hierarchical,
    )
    return from_engine(phy2log, log2phy, logcnt)
