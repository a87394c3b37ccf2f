from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eplb_variants.fixup.k_move import KMove
from eplb_variants.replication.dhondt import dhondt
from eplb_variants.replication.hybrid import Hybrid
from eplb_variants.replication.none import none

PAIRS = arrays(np.float64, (3, 2), elements=st.integers(0, 60).map(float))


def peak(load, replication):
    return (load / replication.logcnt).max(axis=1)


@given(PAIRS, st.integers(2, 9), st.integers(1, 4))
def test_each_further_move_strictly_lowers_the_peak_or_is_not_made(load, num_slots, moves):
    given = none(load, num_slots)
    before, after = KMove(moves - 1)(load, given), KMove(moves)(load, given)
    for i in range(3):
        moved = np.abs(after.logcnt[i] - before.logcnt[i]).sum()
        assert moved in (0, 2)
        if moved:
            assert peak(load, after)[i] < peak(load, before)[i]
        elif before.logcnt[i].min() > 1:  # nothing was moved: no move would have helped
            for step in ([1, -1], [-1, 1]):
                assert (load[i] / (before.logcnt[i] + step)).max() >= peak(load, before)[i]


@given(
    arrays(np.float64, (3, 6), elements=st.integers(0, 60).map(float)),
    st.integers(6, 20),
    st.sampled_from([dhondt, none, Hybrid(1.0)]),
)
def test_with_three_or_more_experts_no_move_can_help(load, num_slots, replicator):
    """The rule looks for donors where no gift can lower the peak: the seed's fix-up changes nothing on real models."""
    for num_experts in (3, 4, 6):
        given = replicator(load[:, :num_experts], num_slots)
        fixed = KMove(9)(load[:, :num_experts], given)
        assert all(np.array_equal(a, b) for a, b in zip(fixed, given, strict=True))


def test_the_donors_highest_copy_changes_in_its_column():
    load = np.array([[1.0, 9.0]])
    given = none(load, 7)
    assert given.phy2log.tolist() == [[0, 1, 0, 1, 0, 1, 0]]
    one = KMove(1)(load, given)
    assert one.phy2log.tolist() == [[0, 1, 0, 1, 0, 1, 1]]
    assert one.rank.tolist() == [[0, 0, 1, 1, 2, 2, 3]]
    many = KMove(9)(load, given)
    assert many.logcnt.tolist() == [[1, 6]]
    assert many.phy2log.tolist() == [[0, 1, 1, 1, 1, 1, 1]]
