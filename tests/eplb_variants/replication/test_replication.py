"""Properties of the replicators."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eplb_variants.errors import EplbError
from eplb_variants.replication.dhondt import dhondt
from eplb_variants.replication.divisor import Divisor
from eplb_variants.replication.hybrid import Hybrid
from eplb_variants.replication.none import none

LOADS = arrays(np.float64, (2, 5), elements=st.integers(0, 50).map(float))


@given(LOADS, st.integers(5, 9))
def test_dhondt_has_the_lowest_possible_peak(load, num_slots):
    """No way of handing out the slots gives a smaller largest load per replica."""
    made = dhondt(load, num_slots)
    ways = [c for c in itertools.product(range(1, 6), repeat=5) if sum(c) == num_slots]
    for row, counts in zip(load, made.logcnt, strict=True):
        assert (row / counts).max() <= min((row / np.array(c)).max() for c in ways) + 1e-12


@given(arrays(np.float64, 5, elements=st.integers(0, 50).map(float)), st.integers(3, 60).map(float))
def test_dhondt_reaches_every_peak_with_the_fewest_replicas(load, peak):
    """Each expert needs load over peak, rounded up; with so many slots, those are the counts that it gives."""
    fewest = np.maximum(np.ceil(load / peak), 1).astype(int)
    np.testing.assert_array_equal(dhondt(load[None], int(fewest.sum())).logcnt[0], fewest)


def hybrid_in_plain_loops(row, num_slots, tail):
    r = [1] * len(row)
    redundant = num_slots - len(row)
    last = max(1, math.ceil(tail * redundant - 1e-9))
    for extra in range(redundant):
        d = max(range(len(row)), key=lambda e: (row[e] / r[e], -e))
        s = max(range(len(row)), key=lambda e: (row[e] / (2 * r[e] - 1), -e))
        second = sorted(w / n for w, n in zip(row, r, strict=True))[-2]
        after_d, after_s = row[d] / (r[d] + 1), row[s] / (r[s] + 1)
        peak_d, peak_s = max(second, after_d), max(second, after_s)
        better = peak_s < peak_d - 1e-12
        tie = abs(peak_s - peak_d) <= 1e-12
        sainte_lague = better or (tie and min(second, after_s) < min(second, after_d))
        r[s if extra >= redundant - last and sainte_lague else d] += 1
    return r


@given(LOADS, st.integers(5, 30), st.sampled_from([0.1, 0.5, 1.0]))
def test_hybrid_is_the_rule_in_plain_loops(load, num_slots, tail):
    made = Hybrid(tail)(load, num_slots)
    for row, counts in zip(load, made.logcnt, strict=True):
        assert counts.tolist() == hybrid_in_plain_loops(row.tolist(), num_slots, tail)


def test_hybrid_differs_from_dhondt_only_in_the_tail():
    load = np.random.default_rng(1).lognormal(sigma=1.2, size=(40, 32))
    ours, theirs = Hybrid()(load, 64).phy2log, dhondt(load, 64).phy2log
    np.testing.assert_array_equal(ours[:, :60], theirs[:, :60])
    assert (ours != theirs).any(), "the loads never reach the tail's other choice: the test shows nothing"


def test_hybrid_with_a_single_expert():
    assert Hybrid()(np.array([[3.0]]), 4).logcnt.tolist() == [[4]]


def test_none_goes_round():
    assert none(np.array([[9.0, 1.0, 1.0]]), 8).phy2log.tolist() == [[0, 1, 2, 0, 1, 2, 0, 1]]


@given(LOADS, st.integers(5, 9))
def test_divisors_are_dhondts_and_sainte_lagues_methods(load, num_slots):
    np.testing.assert_array_equal(Divisor(0.0)(load, num_slots).logcnt, dhondt(load, num_slots).logcnt)
    for row, found in zip(load, Divisor(-0.5)(load, num_slots).logcnt, strict=True):
        seats = [1] * 5
        for _ in range(num_slots - 5):
            seats[max(range(5), key=lambda e: (row[e] / (2 * seats[e] - 1), -e))] += 1
        assert found.tolist() == seats


def test_below_nought_small_experts_get_a_second_copy_sooner_and_above_it_later():
    """Loads of 10 and 4 on six slots."""
    load = np.array([[10.0, 4.0]])
    counts = {offset: Divisor(offset)(load, 6).logcnt[0].tolist() for offset in (-0.9, 0.0, 9.0)}
    assert counts == {-0.9: [4, 2], 0.0: [4, 2], 9.0: [5, 1]}
    with pytest.raises(EplbError, match="offset is -1.0: it must be above -1"):
        Divisor(-1.0)
