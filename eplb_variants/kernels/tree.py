"""A winner tree: the smallest of many keys that change one at a time, ties to the lower place, without branches.

The arrays of a ``Tree`` have ``2 * size`` entries, ``size`` a power of two: entry 1 is the root, entry ``size + i`` the
leaf of place ``i``. A heap does the same in as many steps, but each of its steps guesses a branch. Keys are the bits of
doubles that are not negative, which sort as the doubles do and compare faster: ``number`` is the same memory, to be
written and read as doubles; minus the bits puts the largest first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import int64, void

from eplb_variants.kernels.compiled import FLOATS, INTS, kernel, named
from eplb_variants.loads import FloatArray, IntArray

LAST = int(np.array(np.inf).view(np.int64))
"""The key of infinity: of places where there is nothing."""


class Tree(NamedTuple):
    """The arrays of a tree, each ``[2 * size]``."""

    number: FloatArray
    """The keys read as doubles."""
    key: IntArray
    """The same memory."""
    winner: IntArray
    """The place with the smallest key below a node."""


TREE = named(Tree, FLOATS, INTS, INTS)
"""A tree passes from row to row; what is done for each item takes its arrays, for Numba counts who holds an array of a
tuple whenever it is looked at."""


@kernel(TREE(int64))
def new_tree(places: int) -> Tree:
    """Return a tree for that many places, empty."""
    size = 1
    while size < places:
        size <<= 1
    number = np.full(2 * size, np.inf)
    return Tree(number, number.view(np.int64), np.zeros(2 * size, np.int64))


@kernel(void(INTS, INTS))
def build(key: IntArray, winner: IntArray) -> None:
    """Let all play, after the leaves' keys were set."""
    size = key.size // 2
    for place in range(size):
        winner[size + place] = place
    for node in range(size - 1, 0, -1):
        left = 2 * node
        wins = key[left] <= key[left + 1]
        key[node] = key[left] if wins else key[left + 1]
        winner[node] = winner[left] if wins else winner[left + 1]


@kernel(void(INTS, INTS, int64))
def update(key: IntArray, winner: IntArray, place: int) -> None:
    """Let a place play again after its leaf's key was set; who wins is carried to the root, not read back."""
    node = key.size // 2 + place
    best, best_place = key[node], place
    while node > 1:
        other, other_place = key[node ^ 1], winner[node ^ 1]
        stays = best - 1 + (node & 1) < other  # on a tie the left one: its node is even
        best = best if stays else other
        best_place = best_place if stays else other_place
        node >>= 1
        key[node], winner[node] = best, best_place


@kernel(int64(INTS, INTS))
def runner_up(key: IntArray, winner: IntArray) -> int:
    """Return the second-smallest key: the smallest that the winner played against; ``LAST`` if it is alone.

    It is written to entry 0 as well, so that it can be read there as a number.
    """
    best = LAST
    node = key.size // 2 + winner[1]
    while node > 1:
        best = min(best, key[node ^ 1])
        node >>= 1
    key[0] = best
    return best
