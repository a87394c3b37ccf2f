"""Shares that were chosen with the placement."""

from __future__ import annotations

from dataclasses import dataclass

from eplb_variants.contracts import Dispatcher
from eplb_variants.dispatch.even import even
from eplb_variants.loads import FloatArray
from eplb_variants.placement import Placement
from eplb_variants.registry import build, register


@register("dispatcher", "planned", "the shares that were chosen with the placement, for the forecast, by `by`")
@dataclass(frozen=True)
class Planned:
    """Split as was planned, whatever comes: what an engine can do that weighs replicas and decides nothing in a step.

    Args:
        by: the dispatcher that plans the shares, for the load that the placement was made for.
    """

    by: str = "flow"

    @property
    def planner(self) -> Dispatcher:
        """The dispatcher that a variant calls with its forecast once it has placed."""
        made: Dispatcher = build("dispatcher", self.by)
        return made

    def __call__(self, load: FloatArray, placement: Placement) -> FloatArray:
        """Return the placement's own shares ``[L, P]``; even ones where it carries none."""
        return even(load, placement) if placement.share is None else placement.share.copy()
