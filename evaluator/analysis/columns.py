"""The metrics, each once: what it is called, its unit, which way is better, and which differences count as none."""

from __future__ import annotations

import math
from typing import NamedTuple

BALANCE_FLOOR = 1e-3
"""Balancedness: smaller differences count as none, however narrow the interval. The order in which ties are broken
moves a mean too, to either side (on a recorded load with a standard deviation of up to 0.0009, docs/reading.md): this
floor holds most of that, and intervals over windows the rest."""
TIME_FLOOR = 0.02
"""Relative wall time: smaller differences count as none, however narrow the interval."""


class Metric(NamedTuple):
    """A metric.

    Attributes:
        name: of its column.
        title: in tables, where there is little room.
        unit: of its values.
        more_is_better: whether a larger value is better.
        floor: a smaller difference counts as none, however narrow its interval; of a ratio, relative to it.
        neutral: what says that two things do not differ: 0 of a difference, 1 of a ratio.
    """

    name: str
    title: str
    unit: str
    more_is_better: bool
    floor: float
    neutral: float = 0.0

    @property
    def sign(self) -> int:
        """Return 1 where more is better, -1 where less is."""
        return 1 if self.more_is_better else -1

    @property
    def is_ratio(self) -> bool:
        """Return whether its values are ratios to a reference."""
        return self.neutral == 1.0


PERFECT, SLOTS, GROUPS = "share of perfect balance", "share of slots", "share of expert groups"
HEADLINE, OWN_HEADLINE = "balancedness_gpu_next", "balancedness_gpu_own"
"""What variants are ranked by, and what they are ranked by where no window has a next one."""
METRICS = {
    metric.name: metric
    for metric in (
        Metric(HEADLINE, "next", PERFECT, True, BALANCE_FLOOR),
        Metric(OWN_HEADLINE, "own", PERFECT, True, BALANCE_FLOOR),
        Metric("balancedness_node_next", "nodes, next", PERFECT, True, BALANCE_FLOOR),
        Metric("balancedness_node_own", "nodes, own", PERFECT, True, BALANCE_FLOOR),
        Metric("balancedness_expert_next", "experts, next", PERFECT, True, BALANCE_FLOOR),
        Metric("balancedness_expert_own", "experts, own", PERFECT, True, BALANCE_FLOOR),
        Metric("balancedness_gpu_layer_mean_next", "layer mean, next", PERFECT, True, BALANCE_FLOOR),
        Metric("balancedness_gpu_layer_mean_own", "layer mean, own", PERFECT, True, BALANCE_FLOOR),
        Metric("balancedness_gpu_dispatch_next", "dispatched, next", PERFECT, True, BALANCE_FLOOR),
        Metric("balancedness_gpu_dispatch_own", "dispatched, own", PERFECT, True, BALANCE_FLOOR),
        Metric("moved_slots", "moved", SLOTS, False, BALANCE_FLOOR),
        Metric("group_locality", "local groups", GROUPS, True, BALANCE_FLOOR),
        Metric("colocated_replicas", "co-located", SLOTS, False, BALANCE_FLOOR),
    )
}
"""What a placement is worth on a window, by name; one value a row."""
TIME_RATIO = Metric("time_ratio", "time / reference", "ratio", False, TIME_FLOOR, neutral=1.0)
LOG_TIME_RATIO = Metric("log_time_ratio", "time / reference", "logarithm of a ratio", False, math.log1p(TIME_FLOOR))
"""The ratio as ablation averages it: differences of logarithms."""
TIMES = ("place_seconds", "place_cpu_seconds", "time_ratio", "time_ratio_low", "time_ratio_high")
"""Columns of a cell's times that are averaged over cells: seconds a call, and the ratio with its interval."""
