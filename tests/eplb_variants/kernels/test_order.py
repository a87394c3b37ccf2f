"""Items are sorted as a stable sort of their weights does it, by integers."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eplb_variants.kernels.order import heaviest_first

LIKE_ONE = st.integers(0, 3).map(lambda steps: 1 + steps * 2.0**-52)
"""Numbers that are equal but for their lowest bits, where the sort keys keep the items' numbers."""
WEIGHTS = st.one_of(st.floats(0, 1e300), st.sampled_from([0.0, -0.0, 1.0, 2.0]), LIKE_ONE)


@given(st.lists(WEIGHTS, min_size=1, max_size=70))
def test_the_order_is_that_of_a_stable_sort(weights):
    weights_NM = np.array([weights, weights[::-1]])
    expected = np.argsort(-weights_NM, axis=1, kind="stable")
    np.testing.assert_array_equal(heaviest_first(weights_NM), expected)
