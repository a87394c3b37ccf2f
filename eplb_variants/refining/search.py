"""Small changes that lower the fullest GPU of a row: swaps of two slots, and replicas that change hands.

The readable version of ``kernels/search.py``, change by change. The fullest GPU is the one whose load over its speed is
most. Shapes: N rows, P slots, E logical experts, G GPUs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from eplb_variants.loads import FloatArray, IntArray, sum_from_left
from eplb_variants.placement import count_replicas

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
        speed_G: of the GPUs, which slots are divided among in order.
        gpus_per_node: changes stay within a node; all GPUs where there is one.
    """

    def __init__(self, load_E: FloatArray, slots_P: IntArray, speed_G: FloatArray, gpus_per_node: int) -> None:
        self.load_E, self.slots_P, self.speed_G = load_E.tolist(), slots_P, speed_G.tolist()
        self.slow_G = (1.0 / speed_G).tolist()
        """What a token takes on each."""
        self.size = slots_P.size // speed_G.size
        self.gpus_per_node = gpus_per_node
        self._weigh()

    def _weigh(self) -> None:
        """See what follows from the slots; in plain lists, which loops read faster than arrays."""
        self.expert_P = self.slots_P.tolist()
        self.logcnt_E = np.bincount(self.slots_P, minlength=len(self.load_E)).tolist()
        self.weight_P = [self.load_E[e] / self.logcnt_E[e] for e in self.expert_P]
        self.gpu_G = [
            sum_from_left(self.weight_P[gpu * self.size : (gpu + 1) * self.size]) * slow
            for gpu, slow in enumerate(self.slow_G)
        ]
        self.gpus_E: dict[int, set[int]] = {}
        for slot, expert in enumerate(self.expert_P):
            self.gpus_E.setdefault(expert, set()).add(slot // self.size)

    def improve(self, effort: Effort) -> int:
        """Make the change that gains most a slot, again and again; return how many slots were changed."""
        loads = [full * speed for full, speed in zip(self.gpu_G, self.speed_G, strict=True)]
        mean = sum_from_left(loads) / sum_from_left(self.speed_G)
        used = 0
        while used < effort.changes:
            top = max(self.gpu_G)
            fullest = self.gpu_G.index(top)
            bound = mean if effort.transfers else max(mean, max(self.weight_P) / max(self.speed_G))
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
                    here, there = less * self.slow_G[fullest], less * self.slow_G[gpu]
                    gain = (top - max(top - here, self.gpu_G[gpu] + there)) / 2
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
        others = self.gpus_E[expert] - {slot // self.size, fullest}
        return all(self.gpu_G[gpu] + more * self.slow_G[gpu] < limit for gpu in others)

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
        load, slow = self.gpu_G[gpu], self.slow_G[gpu]
        for slot in self._of_gpu(gpu):
            load += (more * (self.expert_P[slot] == loses) + less * (self.expert_P[slot] == gains)) * slow
        return load + there * slow


def improve_rows(
    load_NE: FloatArray, slots_NP: IntArray, speed_NG: FloatArray, gpus_per_node: int, effort: Effort
) -> IntArray:
    """Return ``slots [N, P]`` with every row improved; the rows' loads are ``load [N, E]``, speeds ``speed [N, G]``."""
    made_NP = slots_NP.copy()
    for load_E, slots_P, speed_G in zip(load_NE, made_NP, speed_NG, strict=True):
        Row(load_E, slots_P, speed_G, gpus_per_node).improve(effort)
    return made_NP


def by_speed(load_NE: FloatArray, slots_NP: IntArray, speed_NG: FloatArray) -> IntArray:
    """Return ``slots [N, P]`` with the GPUs of each row named so that fuller ones are faster; the same if all are."""
    num_gpus = speed_NG.shape[1]
    if (speed_NG == speed_NG[:, :1]).all():
        return slots_NP
    logcnt_NE = count_replicas(slots_NP, load_NE.shape[1])
    share_NP = np.take_along_axis(load_NE / np.maximum(logcnt_NE, 1), slots_NP, axis=1)
    load_NG = share_NP.reshape(len(slots_NP), num_gpus, -1).cumsum(axis=2)[:, :, -1]  # from the left, as elsewhere
    fullest_NG, fastest_NG = (np.argsort(-of, axis=1, kind="stable") for of in (load_NG, speed_NG))
    packs_NGS = slots_NP.reshape(len(slots_NP), num_gpus, -1)
    named_NGS = np.empty_like(packs_NGS)
    row_N1 = np.arange(len(slots_NP))[:, None]
    named_NGS[row_N1, fastest_NG] = packs_NGS[row_N1, fullest_NG]
    return named_NGS.reshape(slots_NP.shape)
