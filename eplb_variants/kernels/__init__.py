"""Compiled versions of the stages: the same answers as the readable ones, slot by slot, in a fraction of the time.

Every stage in this package's table has a kernel over rows, written for Numba: compiled once, kept on disk, without the
interpreter's lock. A stage that has none is called as it is, so that a stranger's composes with ours.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any


def accelerate(stage: Any) -> Any:
    """Return a callable that answers as ``stage`` does, compiled where there is a kernel for it."""
    made = _kernels().get(stage if not hasattr(stage, "__dataclass_fields__") else type(stage))
    return stage if made is None else partial(made, stage)


@cache
def _kernels() -> dict[Any, Callable[..., Any]]:
    from eplb_variants.fixup.k_move import KMove
    from eplb_variants.kernels import fixup, packing, replication
    from eplb_variants.packing.diverse import Diverse
    from eplb_variants.packing.greedy import Greedy
    from eplb_variants.replication.dhondt import dhondt
    from eplb_variants.replication.hybrid import Hybrid

    return {
        Greedy: packing.greedy,
        Diverse: packing.diverse,
        dhondt: replication.dhondt,
        Hybrid: replication.hybrid,
        KMove: fixup.k_move,
    }
