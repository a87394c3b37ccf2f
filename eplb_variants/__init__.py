"""Expert placement for Mixture-of-Experts models: load in, placement out."""

from eplb_variants.api import rebalance_experts
from eplb_variants.errors import EplbError
from eplb_variants.placement import Placement, Replication, check_placement
from eplb_variants.registry import Packing, register, stages
from eplb_variants.topology import Topology
from eplb_variants.variant import Variant, load_variant, variant_names

__all__ = [
    "EplbError",
    "Packing",
    "Placement",
    "Replication",
    "Topology",
    "Variant",
    "check_placement",
    "load_variant",
    "rebalance_experts",
    "register",
    "stages",
    "variant_names",
]
