"""Properties of the packers that a table of placements does not show."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eplb_variants import EplbError
from eplb_variants.kernels import accelerate
from eplb_variants.packing.diverse import Diverse
from eplb_variants.packing.exact import Exact, packings
from eplb_variants.packing.greedy import Greedy
from eplb_variants.packing.serpentine import serpentine

WEIGHTS = arrays(np.float64, (3, 12), elements=st.integers(0, 30).map(float))
LABELS = np.tile(np.arange(12), (3, 1))


def loads(weights, packing, num_packs):
    return np.stack([np.bincount(i, w, num_packs) for i, w in zip(packing.pack_index, weights, strict=True)])


def gap(weights, packing, num_packs):
    return np.ptp(loads(weights, packing, num_packs), axis=1)


def lightest_first(row, num_packs):
    """The greedy rule for one row, in plain loops."""
    room, load, rank_of = [len(row) // num_packs] * num_packs, [0.0] * num_packs, {}
    for item in sorted(range(len(row)), key=lambda i: (-row[i], i)):
        pack = min((p for p in range(num_packs) if room[p]), key=lambda p: (load[p], p))
        rank_of[item] = (pack, len(row) // num_packs - room[pack])
        room[pack] -= 1
        load[pack] += row[item]
    return [rank_of[i] for i in range(len(row))]


@given(WEIGHTS, st.sampled_from([1, 2, 3, 4, 6]))
def test_greedy_is_the_rule_in_plain_loops(weights, num_packs):
    packing = Greedy()(weights, LABELS, num_packs)
    for i, row in enumerate(weights):
        expected = lightest_first(row, num_packs)
        assert list(zip(packing.pack_index[i], packing.rank_in_pack[i], strict=True)) == expected


@given(WEIGHTS, st.sampled_from([2, 3, 4]), st.integers(1, 4))
def test_a_swap_is_the_best_one_and_only_if_it_helps(weights, num_packs, steps):
    """Each step narrows the gap between heaviest and lightest pack as far as one swap between them can."""
    before = Greedy(steps - 1)(weights, LABELS, num_packs)
    after = Greedy(steps)(weights, LABELS, num_packs)
    assert (np.sort(after.rank_in_pack[0]) == np.sort(before.rank_in_pack[0])).all()
    for i, row in enumerate(weights):
        load = loads(weights, before, num_packs)[i]
        heavy, light = load.argmax(), load.argmin()
        best = min(
            abs((load[heavy] - row[h] + row[j]) - (load[light] + row[h] - row[j]))
            for h in np.flatnonzero(before.pack_index[i] == heavy)
            for j in np.flatnonzero(before.pack_index[i] == light)
        )
        after_load = loads(weights, after, num_packs)[i]
        if best < load[heavy] - load[light]:
            assert abs(after_load[heavy] - after_load[light]) == best
        else:
            np.testing.assert_array_equal(after.pack_index[i], before.pack_index[i])


def test_refinement_evens_what_greedy_leaves():
    """6 4 4 3 3 0 in two packs: greedy leaves 11 to 9, one swap makes it even."""
    weights = np.array([[6.0, 4.0, 4.0, 3.0, 3.0, 0.0]])
    labels = np.arange(6)[None]
    assert gap(weights, Greedy()(weights, labels, 2), 2) > 0
    assert gap(weights, Greedy(1)(weights, labels, 2), 2) == 0


@given(WEIGHTS, st.sampled_from([1, 2, 3, 6]))
def test_diverse_without_labels_in_common_is_greedy(weights, num_packs):
    for mine, greedy in zip(
        Diverse(2, tie_eps=0.3)(weights, LABELS, num_packs), Greedy(2)(weights, LABELS, num_packs), strict=True
    ):
        np.testing.assert_array_equal(mine, greedy)


def test_diverse_spreads_labels_over_tied_packs():
    """Four equal items of two labels in two packs: greedy pairs equal labels, diverse does not."""
    weights, labels = np.ones((1, 4)), np.array([[0, 1, 0, 1]])
    assert Greedy()(weights, labels, 2).pack_index.tolist() == [[0, 1, 0, 1]]
    assert Diverse()(weights, labels, 2).pack_index.tolist() == [[0, 1, 1, 0]]


def test_diverse_minds_labels_in_rows_without_load():
    packing = Diverse()(np.zeros((1, 4)), np.array([[7, 7, 9, 9]]), 2)
    assert packing.pack_index.tolist() == [[0, 1, 0, 1]]


def test_diverse_prefers_balance_beyond_the_tie():
    weights, labels = np.array([[2.0, 1.0, 0.5, 0.4]]), np.array([[0, 1, 1, 0]])
    np.testing.assert_array_equal(Diverse()(weights, labels, 2).pack_index, Greedy()(weights, labels, 2).pack_index)


def test_items_that_do_not_divide_are_refused():
    with pytest.raises(EplbError, match="12 items do not divide into 5 packs"):
        Greedy()(np.ones((1, 12)), LABELS[:1], 5)


@given(WEIGHTS, st.sampled_from([1, 2, 3, 4, 6]))
def test_a_snake_deals_there_and_back(weights, num_packs):
    packing = serpentine(weights, LABELS, num_packs)
    for i, row in enumerate(weights):
        order = sorted(range(12), key=lambda item, row=row: (-row[item], item))
        there, back = list(range(num_packs)), list(range(num_packs))[::-1]
        expected = [pack for turn in range(12 // num_packs) for pack in (back if turn % 2 else there)]
        assert [packing.pack_index[i, item] for item in order] == expected
        assert [packing.rank_in_pack[i, item] for item in order] == [place // num_packs for place in range(12)]


@given(arrays(np.float64, (2, 8), elements=st.integers(0, 30).map(float)), st.sampled_from([1, 2, 4, 8]))
def test_no_packing_is_lighter_than_the_exact_one(weights, num_packs):
    for stage in (Exact(), accelerate(Exact())):
        heaviest = loads(weights, stage(weights, LABELS[:2, :8], num_packs), num_packs).max(axis=1)
        for row, found in zip(weights, heaviest, strict=True):
            assert found == pytest.approx(lightest_of_all_ways(row, num_packs), abs=1e-12)


def lightest_of_all_ways(row, num_packs):
    """Return the lightest heaviest pack of all ways to pack a row, in plain recursion."""
    size = len(row) // num_packs

    def best(left, so_far):
        if not left:
            return so_far
        first, *rest = left
        return min(
            best([i for i in rest if i not in mates], max(so_far, row[first] + sum(row[i] for i in mates)))
            for mates in itertools.combinations(rest, size - 1)
        )

    return best(list(range(len(row))), 0.0)


def test_where_there_are_too_many_packings_they_are_greedy():
    weights = np.random.default_rng(0).random((3, 12))
    assert [packings(8, 4), packings(12, 3), packings(6, 6), packings(6, 1)] == [105, 5775, 1, 1]
    few, many = Exact(most=5774)(weights, LABELS, 3), Exact(most=5775)(weights, LABELS, 3)
    np.testing.assert_array_equal(few.pack_index, Greedy()(weights, LABELS, 3).pack_index)
    assert (loads(weights, many, 3).max(axis=1) <= loads(weights, few, 3).max(axis=1)).all()
    assert (loads(weights, many, 3).max(axis=1) < loads(weights, few, 3).max(axis=1)).any()
    with pytest.raises(EplbError, match="most is -1: it is a number of packings"):
        Exact(-1)
