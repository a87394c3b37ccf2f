"""Weights that hardly ever move: the placement in force stays, a few slots change a rebalance, and jumps are met anew.

Shapes: L layers, E logical experts, P slots, G GPUs, K scenarios, C candidates.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from eplb_variants.aligning.fewest_moves import fewest_moves
from eplb_variants.contracts import Placer, Replication
from eplb_variants.dispatch.flow import flow
from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.placement import Placement, check_in_place, count_replicas, number_replicas
from eplb_variants.registry import register
from eplb_variants.rings.hot_ring import HotRing
from eplb_variants.topology import Topology

EXPERTS, GPUS, SLOTS = 6, 6, 2
"""Experts of a layer's fullest GPUs that are tried, emptiest GPUs on which they are, slots of each."""
FIRST, BEST = 4, 8
"""Scenarios in which all candidates are tried; how many are then tried in all."""
AT_PEAK = 1 - 1e-6
"""Part of the peak from which on a GPU is one of the fullest."""
Split = Callable[[FloatArray, Placement], FloatArray]
"""Loads and a placement, a row each, to shares ``[K, P]``: the dispatcher ``flow``, or its kernel."""


class Move(NamedTuple):
    """A slot that gets another expert, and by how much that lowers a layer's expected peak."""

    slot: int
    expert: int
    gain: float


@register("placer", "still", "keeps the placement in force: few slots change a rebalance, and layers whose load jumped")
@dataclass(frozen=True)
class Still:
    """Keep what is in place, for tokens that are dispatched by load.

    A layer is judged by its expected peak: the mean over scenarios (the forecast, each expert off by a drawn factor)
    of the fullest GPU's load under the best split. One whose peak is worse than a fresh hot ring's by ``rebuild`` is
    placed anew, GPUs named so that the fewest weights move. In all others together at most ``trickle`` of the slots
    change: a redundant copy on one of the emptiest GPUs gives way to an expert of the fullest ones. The layer that
    gains most by its next change comes first, and none changes that gains less than ``price``.

    Args:
        rebuild: part by which a layer's expected peak may be above a fresh placement's.
        trickle: part of all slots that may change at a rebalance, 0 to 1, beside layers that are placed anew.
        price: what a changed slot must lower its layer's expected peak by, as a part of the mean load of a GPU.
        noise: standard deviation of the logarithm of the drawn factors.
        scenarios: how many are drawn, always the same.
        theta: as of ``hot_ring``.
    """

    rebuild: float = 0.1
    trickle: float = 0.01
    price: float = 0.001
    noise: float = 0.08
    scenarios: int = 16
    theta: float = 0.35

    def __post_init__(self) -> None:
        for name, most in (("rebuild", np.inf), ("trickle", 1.0), ("price", np.inf), ("noise", np.inf)):
            if not 0 <= getattr(self, name) <= most:
                raise EplbError(f"{name} is {getattr(self, name)}: it must be 0 or more, and {most} at most")
        if self.scenarios < 1:
            raise EplbError(f"scenarios is {self.scenarios}: it must be 1 or more")
        HotRing(self.theta)

    @cached_property
    def fresh(self) -> Placer:
        """What places a layer anew."""
        return HotRing(self.theta)

    def __call__(self, load: FloatArray, topology: Topology, previous: Placement | None) -> Replication:
        """Return the placement for ``load [L, E]``; UnfitError where there are fewer slots than experts."""
        return self.placed(self.fresh, flow, load, topology, previous)

    def placed(
        self, fresh: Placer, split: Split, load: FloatArray, topology: Topology, previous: Placement | None
    ) -> Replication:
        """Return what ``__call__`` does, ``fresh`` placing layers anew and ``split`` splitting tokens.

        Raises:
            EplbError: the placement in force is of another shape.
        """
        anew = fresh(load, topology, None)
        if previous is None:
            return anew
        check_in_place(previous, anew.phy2log.shape, load.shape[1])
        factors_KE = np.exp(self.noise * np.random.default_rng(0).standard_normal((self.scenarios, load.shape[1])))
        scenarios = np.asarray(load, dtype=float)[:, None] * factors_KE  # the same factors for every layer and call
        layers, fresh_layers = (
            [Layer(split, *rows, topology) for rows in zip(scenarios, slots_LP, strict=True)]
            for slots_LP in (previous.phy2log, anew.phy2log)
        )
        both = enumerate(zip(layers, fresh_layers, strict=True))
        jumped = [n for n, (now, new) in both if now.peak > (1 + self.rebuild) * new.peak]
        slots_LP = np.array([one.slots_P for one in layers])
        if jumped:
            slots_LP[jumped] = fewest_moves(load[jumped], anew.phy2log[jumped], topology.flat(), slots_LP[jumped])
        self._trickled(slots_LP, {n: one for n, one in enumerate(layers) if n not in jumped})
        return Replication(slots_LP, number_replicas(slots_LP), count_replicas(slots_LP, load.shape[1]))

    def _trickled(self, slots_LP: IntArray, layers: dict[int, Layer]) -> None:
        """Change a few slots of some layers, in place."""
        left = int(self.trickle * slots_LP.size + 1e-9)
        waiting: list[tuple[float, int, Move]] = []
        for number, layer in layers.items():
            if left and layer.peak - layer.mean > self.price * layer.mean:  # else no change can gain so much
                move = layer.best_move()
                heapq.heappush(waiting, (-move.gain / layer.mean, number, move))
        while left and waiting:
            gain, number, move = heapq.heappop(waiting)
            if -gain <= self.price:
                return
            layer = layers[number]
            layer.make(move)
            slots_LP[number] = layer.slots_P
            left -= 1
            move = layer.best_move()
            heapq.heappush(waiting, (-move.gain / layer.mean, number, move))


class Layer:
    """A layer's slots as they change, and its expected peak.

    Args:
        split: what splits tokens.
        load_KE: its scenarios.
        slots_P: what is in place.
        topology: the machine.
    """

    def __init__(self, split: Split, load_KE: FloatArray, slots_P: IntArray, topology: Topology) -> None:
        self._split, self.load_KE, self._topology = split, load_KE, topology.flat()
        self.slots_P = np.array(slots_P)
        self.mean = float(load_KE.sum(axis=1).mean()) / topology.num_gpus
        self._measure()

    def _measure(self) -> None:
        tokens_KP = self._tokens(self.load_KE, np.broadcast_to(self.slots_P, (len(self.load_KE), self.slots_P.size)))
        self._tokens_P = tokens_KP.mean(axis=0)
        self._gpu_KG = self._on_gpus(tokens_KP)
        self.peak = float(self._gpu_KG.max(axis=1).mean())

    def _tokens(self, load_KE: FloatArray, slots_KP: IntArray) -> FloatArray:
        """Return the tokens ``[K, P]`` of slots under the best split, a load and slots in each row."""
        placement = Placement(np.ascontiguousarray(slots_KP), slots_KP, load_KE.shape[1], self._topology)
        return self._split(load_KE, placement) * np.take_along_axis(load_KE, placement.phy2log, axis=1)

    def _on_gpus(self, tokens_KP: FloatArray) -> FloatArray:
        load_KG = tokens_KP.reshape(len(tokens_KP), self._topology.num_gpus, -1).sum(axis=2)
        return load_KG / self._topology.relative_speeds

    def make(self, move: Move) -> None:
        """Make a move."""
        self.slots_P[move.slot] = move.expert
        self._measure()

    def best_move(self) -> Move:
        """Return the move that lowers the expected peak most; a gain of 0 where none does."""
        tried = self._candidates()
        if not tried:
            return Move(0, int(self.slots_P[0]), 0.0)
        if len(tried) > BEST:
            peak_C = self._peaks(tried, self.load_KE[:FIRST])
            tried = [tried[index] for index in np.argsort(peak_C, kind="stable")[:BEST]]
        peak_C = self._peaks(tried, self.load_KE)
        best = int(peak_C.argmin())
        return Move(*tried[best], max(self.peak - float(peak_C[best]), 0.0))

    def _peaks(self, tried: list[tuple[int, int]], load_KE: FloatArray) -> FloatArray:
        """Return the expected peak ``[C]`` over some scenarios after each change."""
        slots_CP = np.repeat(self.slots_P[None], len(tried), axis=0)
        for row, (slot, expert) in enumerate(tried):
            slots_CP[row, slot] = expert
        tokens = self._tokens(np.tile(load_KE, (len(tried), 1)), np.repeat(slots_CP, len(load_KE), axis=0))
        mean_C: FloatArray = self._on_gpus(tokens).max(axis=1).reshape(len(tried), -1).mean(axis=1)
        return mean_C

    def _candidates(self) -> list[tuple[int, int]]:
        """Return slots and the experts that each could get instead of a redundant copy."""
        size = self._topology.slots_per_gpu
        peak_K = self._gpu_KG.max(axis=1)
        full_G = (self._gpu_KG >= AT_PEAK * peak_K[:, None]).mean(axis=0)
        empty_G = np.argsort(self._gpu_KG.mean(axis=0), kind="stable")[:GPUS]
        logcnt_E = np.bincount(self.slots_P, minlength=self.load_KE.shape[1])
        at_peak_E = np.bincount(self.slots_P, self._tokens_P * np.repeat(full_G, size), self.load_KE.shape[1])
        hot_E = np.argsort(-at_peak_E, kind="stable")[:EXPERTS]
        tried = []
        for gpu in empty_G.tolist():
            slots = range(gpu * size, (gpu + 1) * size)
            here = {int(self.slots_P[slot]) for slot in slots}
            spare = sorted((slot for slot in slots if logcnt_E[self.slots_P[slot]] > 1), key=self._tokens_P.__getitem__)
            for slot in spare[:SLOTS]:
                tried += [(slot, int(expert)) for expert in hot_E if at_peak_E[expert] > 0 and int(expert) not in here]
        return tried
