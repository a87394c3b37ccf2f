"""Shares that are left from the window before."""

from __future__ import annotations

from dataclasses import dataclass

from eplb_variants.contracts import Dispatcher
from eplb_variants.loads import FloatArray
from eplb_variants.placement import Placement
from eplb_variants.registry import build, register


@register("dispatcher", "late", "the shares that `by` finds for the load of the window before")
@dataclass(frozen=True)
class Late:
    """Split by shares that are one window old: whoever calls it hands it the load before, not the load itself.

    Args:
        by: the dispatcher that finds the shares.
    """

    by: str = "flow"

    @property
    def is_late(self) -> bool:
        """Whether it is handed the load of the window before."""
        return True

    @property
    def finder(self) -> Dispatcher:
        """The dispatcher that finds the shares."""
        made: Dispatcher = build("dispatcher", self.by)
        return made

    def __call__(self, load: FloatArray, placement: Placement) -> FloatArray:
        """Return the shares ``[L, P]`` for ``load [L, E]``, that of the window before the one that is split."""
        return self.finder(load, placement)
