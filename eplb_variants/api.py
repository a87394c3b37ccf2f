"""The DeepSeek API, so that callers of its EPLB can swap this in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eplb_variants.topology import Topology
from eplb_variants.variant import load_variant

if TYPE_CHECKING:
    import torch


def rebalance_experts(
    weight: torch.Tensor,
    num_replicas: int,
    num_groups: int,
    num_nodes: int,
    num_gpus: int,
    variant: str | Mapping[str, Any] = "deepseek",
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return ``(phy2log [L, P], log2phy [L, E, X], logcnt [L, E])`` as int64 tensors on the CPU.

    Args:
        weight: load of each logical expert, ``[L, E]``, on any device.
        num_replicas: physical experts per layer, ``P``; a multiple of ``num_gpus``.
        num_groups: expert groups; the hierarchical policy is used where they divide over the nodes, and
            nobody looks at them where they do not.
        num_nodes: nodes.
        num_gpus: GPUs, a multiple of ``num_nodes``.
        variant: a name or composition for ``load_variant``.

    ``log2phy`` is padded with -1 to the largest count, ``X``.

    Raises:
        EplbError: what cannot be used is said in one sentence.
    """
    import torch

    topology = Topology(num_replicas, num_groups, num_nodes, num_gpus)
    if not topology.hierarchical:  # DeepSeek's EPLB looks at no groups then, whatever their size
        topology = topology.flat()
    placement = load_variant(variant).place(weight, topology)
    return (
        torch.from_numpy(placement.phy2log),
        torch.from_numpy(placement.log2phy),
        torch.from_numpy(placement.logcnt),
    )
