"""Whole tokens: what is left of a split when every token goes to one replica, and every source decides for itself.

Shapes: L layers, E logical experts, P slots.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eplb_variants.contracts import Dispatcher
from eplb_variants.errors import EplbError
from eplb_variants.loads import FloatArray, IntArray
from eplb_variants.placement import Placement
from eplb_variants.registry import build, register


@register("dispatcher", "rounded", "the split of `by` in whole tokens, at each of `sources`, or token by token drawn")
@dataclass(frozen=True)
class Rounded:
    """Split by another dispatcher and round: each source has its part of an expert's tokens, and rounds that.

    Sources get tokens as evenly as they come: of n tokens, ``n // sources`` or one more. One that rounds gives each of
    an expert's slots the whole tokens of its share, and those that are left to the largest remainders, ties to the
    first slot counted from a slot of the source's own, so that sources do not all favour the same. One that draws sends
    each token to a slot with the probability of its share, as SGLang's dispatch by a linear program does.

    Args:
        by: the dispatcher that finds the shares.
        sources: GPUs that tokens come from, 1 or more.
        drawn: whether each token is drawn. What is drawn follows from ``seed`` and the number of tokens.
        seed: of what is drawn.
    """

    by: str = "flow"
    sources: int = 1
    drawn: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("sources", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise EplbError(f"{name} is {getattr(self, name)}: it must be {least} or more")

    @property
    def finder(self) -> Dispatcher:
        """The dispatcher that finds the shares."""
        made: Dispatcher = build("dispatcher", self.by)
        return made

    def __call__(self, load: FloatArray, placement: Placement) -> FloatArray:
        """Return shares ``[L, P]`` that are whole tokens of ``load [L, E]``, whose fractions are left out."""
        return self.in_whole_tokens(self.finder(load, placement), load, placement)

    def in_whole_tokens(self, share_LP: FloatArray, load: FloatArray, placement: Placement) -> FloatArray:
        """Return shares ``[L, P]`` in whole tokens of ``load [L, E]``."""
        tokens_LE = np.floor(np.asarray(load, dtype=float)).astype(np.int64)
        shared = _Shared(placement.phy2log, placement.num_experts)
        make = self._drawn if self.drawn else self._rounded
        got_LP = make(share_LP, tokens_LE, shared)
        all_LP = np.take_along_axis(tokens_LE, placement.phy2log, axis=1)
        return np.where(all_LP > 0, got_LP / np.maximum(all_LP, 1), share_LP)

    def _rounded(self, share_LP: FloatArray, tokens_LE: IntArray, shared: _Shared) -> FloatArray:
        got_LP = np.zeros(share_LP.shape)
        for source in range(self.sources):
            own_LE = (tokens_LE + source) // self.sources
            got_LP += shared.whole(share_LP, own_LE, source)
        return got_LP

    def _drawn(self, share_LP: FloatArray, tokens_LE: IntArray, shared: _Shared) -> FloatArray:
        draw = np.random.default_rng([self.seed, int(tokens_LE.sum())])
        return shared.drawn(share_LP, tokens_LE, draw)  # tokens are drawn one by one, wherever they come from


class _Shared:
    """The slots of a placement by layer and expert, ``number`` counting an expert's slots."""

    def __init__(self, phy2log_LP: IntArray, num_experts: int) -> None:
        self._shape = phy2log_LP.shape
        key = (phy2log_LP + np.arange(len(phy2log_LP))[:, None] * num_experts).ravel()
        self._order = np.argsort(key, kind="stable")  # slots of an expert beside each other
        self._expert = key[self._order]
        first = np.flatnonzero(np.r_[True, self._expert[1:] != self._expert[:-1]])
        self._first = np.repeat(first, np.diff(np.r_[first, self._expert.size]))
        self._starts = first
        self._copies = np.diff(np.r_[first, self._expert.size])

    def whole(self, share_LP: FloatArray, tokens_LE: IntArray, source: int) -> FloatArray:
        """Return the whole tokens of each slot: those of its share, and one of what is left by largest remainder."""
        tokens = tokens_LE.ravel()[self._expert]
        exact = share_LP.ravel()[self._order] * tokens
        base = np.floor(exact + 1e-9)
        number = np.arange(exact.size) - self._first
        copies = np.repeat(self._copies, self._copies)
        turn = (number - source) % copies
        ranked = np.lexsort((turn, base - exact, self._expert))
        rank = np.empty(exact.size, dtype=np.int64)
        rank[ranked] = np.arange(exact.size)
        left = tokens - np.repeat(np.add.reduceat(base, self._starts), self._copies)
        return self._back(base + (rank - self._first < left))

    def drawn(self, share_LP: FloatArray, tokens_LE: IntArray, draw: np.random.Generator) -> FloatArray:
        """Return how many tokens each slot gets where each token is drawn by the shares."""
        share = share_LP.ravel()[self._order]
        tokens = tokens_LE.ravel()[self._expert[self._starts]]
        got = np.zeros(share.size)
        for number in range(int(self._copies.max())):  # slot by slot, each from what those before it left
            has = self._copies > number
            at = self._starts[has] + number
            rest = np.add.reduceat(share, self._starts)[has]
            part = np.where(rest > 0, np.minimum(share[at] / np.maximum(rest, 1e-300), 1.0), 1.0)
            part = np.where(self._copies[has] == number + 1, 1.0, part)
            got[at] = draw.binomial(tokens[has], part)
            tokens[has] = tokens[has] - got[at].astype(np.int64)
            share[at] = 0.0
        return self._back(got)

    def _back(self, by_expert: FloatArray) -> FloatArray:
        """Return values in the order of slots."""
        values = np.empty(by_expert.size)
        values[self._order] = by_expert
        return values.reshape(self._shape)
