"""What each kind of stage is called with, and what passes between stages.

A stage is a plain function or a frozen dataclass with ``__call__``. It is deterministic, leaves its input alone, and is
called with float64 loads that are finite and not negative. Shapes: N independent rows (layers, or layers x nodes),
M items, K packs, P slots, L layers, E logical experts, W windows.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.placement import Placement
from eplb_variants.topology import Topology


class Packing(NamedTuple):
    """Where a packer put its items."""

    pack_index: IntArray
    """``[N, M]`` pack of each item, from 0 to ``K - 1``."""
    rank_in_pack: IntArray
    """``[N, M]`` place of each item in its pack, from 0; every pack holds ``M / K`` items."""


class Replication(NamedTuple):
    """Replicas of experts in columns, before or after columns were put on GPUs; ``N`` independent rows.

    Column order is part of the contract: the first ``E`` columns of a replicator's answer are the experts in order.
    """

    phy2log: IntArray
    """``[N, P]`` logical expert of each column."""
    rank: IntArray
    """``[N, P]`` number of this copy among its expert's copies, from 0."""
    logcnt: IntArray
    """``[N, E]`` copies of each expert, at least 1."""


class Forecaster(Protocol):
    """History ``[W, L, E]``, oldest window first, to the load ``[L, E]`` to plan for; ``windows`` says how many."""

    def __call__(self, history: FloatArray) -> FloatArray: ...


class Packer(Protocol):
    """Weights ``[N, M]`` and labels ``[N, M]`` to packs of equally many items; ``num_packs`` divides ``M``."""

    def __call__(self, weights: FloatArray, labels: IntArray, num_packs: int) -> Packing: ...


class Replicator(Protocol):
    """Loads ``[N, E]`` to ``num_slots`` replicas a row, the first ``E`` columns being the experts in order."""

    def __call__(self, load: FloatArray, num_slots: int) -> Replication: ...


class FixUp(Protocol):
    """A replication to a better one of the same shape, every expert keeping at least one copy."""

    def __call__(self, load: FloatArray, replication: Replication) -> Replication: ...


class Refiner(Protocol):
    """Slots ``[N, P]`` of experts to better ones, each row's own experts among them; GPUs share the slots in order.

    Loads are ``[N, E]``, speeds of the GPUs ``[N, G]``: 1 where all are equally fast, the mean of a machine's else. A
    row may be a node: experts that have no slot in it are on others and stay there.
    """

    def __call__(self, load: FloatArray, slots: IntArray, speed: FloatArray) -> IntArray: ...


class Aligner(Protocol):
    """New slots ``[L, P]`` and those in place, ``previous [L, P]``, to the slots that shall be; loads are ``[L, E]``.

    Under the hierarchical policy ``topology`` has nodes and groups, otherwise one of each.
    """

    def __call__(self, load: FloatArray, slots: IntArray, topology: Topology, previous: IntArray) -> IntArray: ...


class Dispatcher(Protocol):
    """Actual loads ``[L, E]`` and the placement in force to the part of its expert's tokens that each slot gets.

    The answer is ``share [L, P]``, 0 or more; those of an expert add up to 1.
    """

    def __call__(self, load: FloatArray, placement: Placement) -> FloatArray: ...


class Reactive(Protocol):
    """Actual loads ``[L, E]`` and the placement in force to the placement of this step, with shares.

    The slots of first copies, the homes of their experts, stay as they are; all others may hold any expert for a step.
    """

    def __call__(self, load: FloatArray, placement: Placement) -> Placement: ...


class Placer(Protocol):
    """A load ``[L, E]`` to a whole placement, its columns being slots; ``previous`` is what is in place now."""

    def __call__(self, load: FloatArray, topology: Topology, previous: Placement | None) -> Replication: ...


class HistoryPlacer(Protocol):
    """A history ``[W, L, E]``, oldest window first, to a whole placement: a placer that needs no forecast.

    Its class has ``takes_history = True``; ``windows`` says how many it looks at.
    """

    takes_history: bool

    def __call__(self, history: FloatArray, topology: Topology, previous: Placement | None) -> Replication: ...


def takes_history(placer: Any) -> bool:
    """Return whether a placer is called with the windows seen so far, and not with a forecast."""
    return bool(getattr(placer, "takes_history", False))
