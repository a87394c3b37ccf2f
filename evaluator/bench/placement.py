"""How long a placement takes: the kernels beside plain Python, arrays, other threads and the engines' own code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from eplb_variants import Placement, Topology, Variant, load_variant
from eplb_variants.hierarchy import Staged
from eplb_variants.installed.loading import why_missing
from eplb_variants.kernels import accelerate
from eplb_variants.loads import IntArray
from eplb_variants.registry import stages
from evaluator.bench.line import Line
from evaluator.bench.plain import PLAIN
from evaluator.progress import Progress
from evaluator.timing.rounds import time_variants
from evaluator.timing.settings import TimingSettings
from evaluator.workloads.synthetic import Synthetic

KERNELS = ("deepseek", "seed_parent", "seed")
TWO_THREADS = "deepseek, two threads"
ONE_BY_ONE = "deepseek, stages one by one"
"""As beside a stage without a part in the fused pipeline: each kernel over whole arrays, then the slots in NumPy."""
SETTINGS = TimingSettings(rounds=15, min_rounds=8, seconds=3.0)
TIMES = {"plain": 300.0, "sglang_deepseek_vec": 20.0, "vllm_default": 20.0}
"""How many times faster than these ``deepseek`` is to be at the published size under the global policy."""
MILLISECONDS = 1.2


class Size(NamedTuple):
    """Layers, experts, slots and GPUs; groups and nodes where the policy is hierarchical."""

    num_layers: int
    num_experts: int
    num_slots: int
    num_gpus: int
    num_groups: int = 1
    num_nodes: int = 1

    def __str__(self) -> str:
        policy = f"{self.num_groups} groups on {self.num_nodes} nodes" if self.num_groups > 1 else "global"
        return f"{self.num_layers} x {self.num_experts}, {self.num_slots} slots, {self.num_gpus} GPUs, {policy}"

    @property
    def topology(self) -> Topology:
        """The machine."""
        return Topology(self.num_slots, self.num_groups, self.num_nodes, self.num_gpus)

    def windows(self) -> IntArray:
        """Return a few windows ``[W, L, E]`` of DeepSeek-R1-like load."""
        made = Synthetic(
            num_layers=self.num_layers, num_experts=self.num_experts, windows=4, sigma_spread=0.133, num_groups=1
        )
        return made.make(0).windows(1)


PUBLISHED = Size(58, 256, 288, 32)
"""What published figures are for."""
HIERARCHICAL = Size(58, 256, 288, 32, 8, 4)
GROWTH = (
    PUBLISHED,
    Size(60, 384, 480, 96),
    Size(60, 512, 1024, 128),
    Size(128, 512, 1024, 256),
    Size(128, 1024, 2048, 512),
)
"""From the published size to the largest that there are plans for."""


def measure_placement(progress: Progress, sizes: Sequence[Size] = (PUBLISHED, HIERARCHICAL)) -> list[Line]:
    """Return how much longer others take than ``deepseek`` does, all beside it in one run a size, one thread."""
    progress.start("placement", len(sizes))
    lines = []
    for size in sizes:
        deepseek, others = load_variant("deepseek"), _others()
        timings = time_variants({**others, "deepseek": deepseek}, deepseek, size.windows(), size.topology, SETTINGS)
        own = 1e3 * float(np.median(timings.pop("deepseek").wall))
        asked = size == PUBLISHED
        met = own <= MILLISECONDS if asked else None
        target = f"{MILLISECONDS} ms or less" if asked else ""
        lines.append(Line("placement", "deepseek", str(size), own, "ms", target=target, met=met))
        for name, timing in timings.items():
            times = TIMES.get(name) if asked else None
            lines.append(
                Line(
                    "placement",
                    name,
                    str(size),
                    1e3 * float(np.median(timing.wall)),
                    "ms",
                    timing.ratio,
                    "times as long as deepseek",
                    f"{times:g} times" if times else "",
                    timing.ratio.value >= times if times else None,
                )
            )
        progress.step(str(size))
    return lines


def _others() -> dict[str, Variant]:
    """Return what is compared with ``deepseek``; engines that are not installed are left out."""
    kernels = {name: load_variant(name) for name in KERNELS[1:]}
    deepseek = load_variant("deepseek").config
    others = {
        ONE_BY_ONE: _one_by_one(),
        "deepseek, as arrays": load_variant({**deepseek, "implementation": "reference"}),
        "plain": PLAIN,
    }
    engines = [stage.name for stage in stages("placer") if stage.requires and not why_missing(stage.requires)]
    return kernels | others | {name: load_variant(name) for name in engines}


def _one_by_one() -> Variant:
    """Return ``deepseek`` with a packer that has no part in the pipeline, and packs by the same kernel."""
    deepseek = load_variant("deepseek")
    staged = deepseek.placer
    assert isinstance(staged, Staged)
    return replace(deepseek, placer=replace(staged, gpu_packer=accelerate(staged.gpu_packer)))


def _by_threads() -> dict[str, Variant]:
    """Return the kernels on one thread each, and ``deepseek`` on two, which share the layers of large loads."""
    one = {name: load_variant(name) for name in KERNELS}
    return {**one, TWO_THREADS: load_variant({**one["deepseek"].config, "threads": 2})}


class Growth(NamedTuple):
    """A variant at a size."""

    variant: str
    size: Size
    milliseconds: float

    @property
    def per_unit(self) -> float:
        """Nanoseconds over layers x P log2 P: level where the cost grows as that does."""
        return 1e6 * self.milliseconds / (self.size.num_layers * self.size.num_slots * math.log2(self.size.num_slots))


def measure_growth(progress: Progress, sizes: Sequence[Size] = GROWTH) -> tuple[list[Line], list[Growth]]:
    """Return how the kernels' cost grows with slots and layers, beside ``deepseek`` at half the layers."""
    progress.start("growth", len(sizes))
    lines, found = [], []
    for size in sizes:
        windows, topology = size.windows(), size.topology
        for name, variant in _by_threads().items():
            beside = _Half(variant.name, "", variant.forecaster, variant.placer)
            timing = time_variants({"whole": variant}, beside, windows, topology, SETTINGS)["whole"]
            growth = Growth(name, size, 1e3 * float(np.median(timing.wall)))
            found.append(growth)
            lines.append(
                Line(
                    "growth",
                    f"{name}: {growth.per_unit:.1f} ns x layers x P log2 P",
                    str(size),
                    growth.milliseconds,
                    "ms",
                    timing.ratio,
                    "times as long as half the layers",
                )
            )
        progress.step(str(size))
    return lines, found


@dataclass(frozen=True, eq=False)
class _Half(Variant):
    """A variant that places only the first half of a load's layers."""

    def place(self, load: Any, topology: Topology, previous: Placement | None = None) -> Placement:
        return super().place(load[:, : load.shape[1] // 2], topology, previous)
