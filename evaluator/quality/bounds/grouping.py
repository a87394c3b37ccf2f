"""How heavy the heaviest node is at least, where whole groups lie on nodes. Shapes: L layers, Q groups, N nodes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

import numpy as np

from eplb_variants.loads import FloatArray, IntArray

MOST_WAYS = 2000
"""Ways to deal the groups over the nodes up to which all are tried: 105 for 8 groups on 4 nodes."""


def lightest_heaviest(load_LQ: FloatArray, num_nodes: int) -> FloatArray:
    """Return ``[L]``: the load that the heaviest node has at least, equally many groups lying on each.

    Exact where there are few ways. Else by three arguments. The heaviest node is no lighter than the mean. The heaviest
    group has ``k - 1`` others beside it, which are no lighter than the lightest ones. And of the ``j N + 1`` heaviest
    groups ``j + 1`` share a node, which weigh at least what the lightest of these do, with the lightest of all beside
    them.
    """
    num_groups = load_LQ.shape[1]
    of_each = num_groups // num_nodes
    if ways(num_groups, num_nodes) <= MOST_WAYS:
        heaviest: FloatArray = load_LQ[:, _dealt(num_groups, num_nodes)].sum(axis=3).max(axis=2).min(axis=1)
        return heaviest
    falling_LQ = -np.sort(-load_LQ, axis=1)
    rising_LQ = falling_LQ[:, ::-1]
    found = [load_LQ.sum(axis=1) / num_nodes]
    for j in range(of_each):
        together = falling_LQ[:, j * num_nodes - j : j * num_nodes + 1].sum(axis=1)
        found.append(together + rising_LQ[:, : of_each - j - 1].sum(axis=1))
    return np.max(found, axis=0)


def ways(num_groups: int, num_nodes: int) -> int:
    """Return in how many ways groups can be dealt over nodes, equally many on each, nodes being alike."""
    of_each = num_groups // num_nodes
    return math.factorial(num_groups) // math.factorial(of_each) ** num_nodes // math.factorial(num_nodes)


@cache
def _dealt(num_groups: int, num_nodes: int) -> IntArray:
    """Return all ways, ``[ways, N, Q / N]``."""
    return np.array(list(_ways(tuple(range(num_groups)), num_groups // num_nodes)))


def _ways(left: tuple[int, ...], of_each: int) -> Iterator[list[tuple[int, ...]]]:
    from itertools import combinations

    if not left:
        yield []
        return
    for others in combinations(left[1:], of_each - 1):
        node = (left[0], *others)
        for rest in _ways(tuple(group for group in left if group not in node), of_each):
            yield [node, *rest]
