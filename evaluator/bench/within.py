"""What acting within a step costs: every dispatcher and every balancer within the step, beside a placement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from eplb_variants import Placement, Topology, Variant, load_variant
from eplb_variants.registry import stages
from evaluator.bench.line import Line
from evaluator.bench.placement import PUBLISHED, SETTINGS, Size
from evaluator.progress import Progress
from evaluator.timing.rounds import time_variants

PLACED_BY = {"dispatcher": "lab_flex", "reactive": "ultraep"}
"""Whose placement is in force: one made to be dispatched; experts at home, with a free slot on each GPU."""


def measure_within(progress: Progress, size: Size = PUBLISHED) -> list[Line]:
    """Return how long each stage takes for a step of all layers, beside ``deepseek`` placing them, one thread.

    Stages that need another one, such as ``rounded``, have it as it is by default. What has no kernel is timed as it
    is: interpreted.
    """
    windows, topology = size.windows(), size.topology
    timed: dict[str, Variant] = {}
    for kind, placed_by in PLACED_BY.items():
        base = load_variant(placed_by)
        placement = load_variant({**base.config, "reactive": None, "dispatcher": None}).place(windows[:1], topology)
        for stage in stages(kind):
            variant = load_variant({**base.config, "dispatcher": None, "reactive": None, kind: stage.name})
            fields = {name: getattr(variant, name) for name in Variant.__dataclass_fields__}
            timed[f"{kind} {stage.name}"] = _Within(**fields, placement=placement)
    deepseek = load_variant("deepseek")
    progress.start("within", 1)
    timings = time_variants(timed, deepseek, windows, topology, SETTINGS)
    progress.step(str(size))
    against = "times as long as deepseek takes to place"
    return [
        Line("within", name, str(size), 1e3 * float(np.median(timing.wall)), "ms", timing.ratio, against)
        for name, timing in timings.items()
    ]


@dataclass(frozen=True, eq=False)
class _Within(Variant):
    """A variant that acts on a step in place of placing: the load is the step's."""

    placement: Placement | None = None

    def place(self, load: Any, topology: Topology, previous: Placement | None = None) -> Placement:
        assert self.placement is not None
        step_LE = np.asarray(load[-1], dtype=np.float64)
        self.react(step_LE, self.placement) if self.reactive is not None else self.dispatch(step_LE, self.placement)
        return self.placement
