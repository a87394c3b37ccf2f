"""Small changes that lower the fullest GPU of a row: swaps of two slots, and replicas that change hands.

The readable version of ``kernels/search.py``, change by change.
Shapes: N rows, P slots, E logical experts, G GPUs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from eplb_variants.loads import FloatArray, IntArray, sum_from_left

LEAST_GAIN = 1e-9
"""A change must lower the fullest GPU by this part of its load, so that rounding is no gain."""


class Effort(NamedTuple):
    """How far a search goes.

    Attributes:
        changes: slots that may change at most; a swap changes two, a transfer one.
        enough: part of the lower bound by which the fullest GPU may exceed it when the search ends.
        price: gain that a changed slot must bring at least, as a part of the mean load of a GPU.
        transfers: whether replicas may change hands; otherwise slots are swapped alone.
    """

    changes: int
    enough: float = 0.0
    price: float = 0.0
    transfers: bool = False


class Change(NamedTuple):
    """Slots that change and the experts that they get."""

    slots: tuple[int, ...]
    experts: tuple[int, ...]


class Row:
    """One row in the course of a search.

    Args:
        load_E: tokens of each expert.
        slots_P: the expert in each slot; changed in place.
        num_gpus: slots are divided among them in order.
        gpus_per_node: changes stay within a node; ``num_gpus`` where there is one.
    """

    def __init__(self, load_E: FloatArray, slots_P: IntArray, num_gpus: int, gpus_per_node: int) -> None:
        self.load_E, self.slots_P, self.num_gpus = load_E.tolist(), slots_P, num_gpus
        self.size = slots_P.size // num_gpus
        self.gpus_per_node = gpus_per_node
        self._weigh()

    def _weigh(self) -> None:
        """See what follows from the slots; in plain lists, which loops read faster than arrays."""
        self.expert_P = self.slots_P.tolist()
        self.logcnt_E = np.bincount(self.slots_P, minlength=len(self.load_E)).tolist()
        self.weight_P = [self.load_E[e] / self.logcnt_E[e] for e in self.expert_P]
        self.gpu_G = [sum_from_left(self.weight_P[i : i + self.size]) for i in range(0, len(self.weight_P), self.size)]
        self.gpus_E: dict[int, set[int]] = {}
        for slot, expert in enumerate(self.expert_P):
            self.gpus_E.setdefault(expert, set()).add(slot // self.size)

    def improve(self, effort: Effort) -> int:
        """Make the change that gains most a slot, again and again; return how many slots were changed."""
        mean = sum_from_left(self.gpu_G) / self.num_gpus
        used = 0
        while used < effort.changes:
            top = max(self.gpu_G)
            fullest = self.gpu_G.index(top)
            bound = mean if effort.transfers else max(mean, *self.weight_P)
            if top <= bound * (1 + effort.enough):
                break
            least = max(top * LEAST_GAIN, mean * effort.price)
            change = self._best(fullest, top, least, effort.transfers)
            if change is None or used + len(change.slots) > effort.changes:
                break
            self.slots_P[list(change.slots)] = change.experts
            used += len(change.slots)
            self._weigh()
        return used

    def _best(self, fullest: int, top: float, least: float, transfers: bool) -> Change | None:
        best, change = least, None
        candidates = [self._swaps(fullest, top)]
        if transfers:
            candidates += [self._given_up(fullest, top, top - least), self._taken_over(fullest, top, top - least)]
        for kind in candidates:
            for gain, candidate in kind:
                if gain > best:
                    best, change = gain, candidate
        return change

    def _of_gpu(self, gpu: int) -> range:
        return range(gpu * self.size, (gpu + 1) * self.size)

    def _node(self, gpu: int) -> range:
        first = gpu // self.gpus_per_node * self.gpus_per_node
        return range(first, first + self.gpus_per_node)

    def _holds(self, gpu: int, expert: int) -> bool:
        return gpu in self.gpus_E[expert]

    def _swaps(self, fullest: int, top: float) -> Iterator[tuple[float, Change]]:
        """Yield swaps of a slot of the fullest GPU with one of another, and what each gains a slot."""
        for gpu in self._node(fullest):
            if gpu == fullest:
                continue
            for i in self._of_gpu(fullest):
                for j in self._of_gpu(gpu):
                    less = self.weight_P[i] - self.weight_P[j]
                    if less <= 0 or self._holds(gpu, self.expert_P[i]) or self._holds(fullest, self.expert_P[j]):
                        continue
                    gain = (top - max(top - less, self.gpu_G[gpu] + less)) / 2
                    yield gain, Change((i, j), (self.expert_P[j], self.expert_P[i]))

    def _given_up(self, fullest: int, top: float, limit: float) -> Iterator[tuple[float, Change]]:
        """Yield replicas elsewhere that become one of an expert of the fullest GPU."""
        for gpu in self._node(fullest):
            for slot in self._of_gpu(gpu):
                if gpu != fullest and self._can_give(slot, fullest, limit):
                    for i in self._of_gpu(fullest):
                        yield from self._transfer(slot, self.expert_P[i], top)

    def _taken_over(self, fullest: int, top: float, limit: float) -> Iterator[tuple[float, Change]]:
        """Yield replicas of the fullest GPU that become one of another expert of its node."""
        node = self._node(fullest)
        on_node = sorted(set(self.expert_P[node[0] * self.size : (node[-1] + 1) * self.size]))
        for slot in self._of_gpu(fullest):
            if self._can_give(slot, fullest, limit):
                for expert in on_node:
                    yield from self._transfer(slot, expert, top)

    def _can_give(self, slot: int, fullest: int, limit: float) -> bool:
        """Return whether an expert can do without a copy: its other GPUs, but for the fullest, stay below a limit."""
        expert = self.expert_P[slot]
        count = self.logcnt_E[expert]
        if count < 2:
            return False
        more = self.load_E[expert] / (count - 1) - self.load_E[expert] / count
        return all(self.gpu_G[gpu] + more < limit for gpu in self.gpus_E[expert] - {slot // self.size, fullest})

    def _transfer(self, slot: int, gains: int, top: float) -> Iterator[tuple[float, Change]]:
        """Yield what it gains that a slot becomes a replica of ``gains``; nothing where its GPU holds that."""
        loses, gpu = self.expert_P[slot], slot // self.size
        if self._holds(gpu, gains):
            return
        before, after = self.load_E[gains] / self.logcnt_E[gains], self.load_E[gains] / (self.logcnt_E[gains] + 1)
        was, rest = self.load_E[loses] / self.logcnt_E[loses], self.load_E[loses] / (self.logcnt_E[loses] - 1)
        peak = self._peak(gpu, loses, gains, after - rest, rest - was, after - before)
        yield top - peak, Change((slot,), (gains,))

    def _peak(self, gpu: int, loses: int, gains: int, there: float, more: float, less: float) -> float:
        """Return the fullest of the GPUs that a transfer changes."""
        others = (self.gpus_E[loses] | self.gpus_E[gains]) - {gpu}
        elsewhere = [self._changed(other, loses, gains, more, less, 0.0) for other in others]
        return max([self._changed(gpu, loses, gains, more, less, there), *elsewhere])

    def _changed(self, gpu: int, loses: int, gains: int, more: float, less: float, there: float) -> float:
        load = self.gpu_G[gpu]
        for slot in self._of_gpu(gpu):
            load += more * (self.expert_P[slot] == loses) + less * (self.expert_P[slot] == gains)
        return load + there


def improve_rows(
    load_NE: FloatArray, slots_NP: IntArray, num_gpus: int, gpus_per_node: int, effort: Effort
) -> IntArray:
    """Return ``slots [N, P]`` with every row improved; the rows' loads are ``load [N, E]``."""
    made_NP = slots_NP.copy()
    for load_E, slots_P in zip(load_NE, made_NP, strict=True):
        Row(load_E, slots_P, num_gpus, gpus_per_node).improve(effort)
    return made_NP
