from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import EplbError
from evaluator.workloads.trace import Trace

COUNTS = np.arange(7 * 2 * 3).reshape(7, 2, 3)


def test_windows_are_sums_of_steps():
    windows = Trace(COUNTS).windows(3)
    np.testing.assert_array_equal(windows, [COUNTS[:3].sum(axis=0), COUNTS[3:6].sum(axis=0)])
    assert windows.dtype == np.int64


def test_steps_without_load_are_left_out_and_dense_layers_stay():
    counts = COUNTS + 1
    counts[:, 0] = 0
    counts[[1, 4]] = 0
    windows = Trace(counts).windows(5)
    np.testing.assert_array_equal(windows, [counts.sum(axis=0)])
    assert not windows[:, 0].any()


def test_sums_do_not_overflow_the_type_of_the_file():
    assert Trace(np.full((4, 1, 1), 60_000, dtype=np.uint16)).windows(4).tolist() == [[[240_000]]]


@pytest.mark.parametrize(
    ("interval", "says"), [(8, "7 steps with load: too few for one window of 8"), (0, "the interval is 0")]
)
def test_a_window_that_cannot_be_is_an_error(interval, says):
    with pytest.raises(EplbError, match=says):
        Trace(COUNTS + 1).windows(interval)


def test_what_is_no_trace_is_refused():
    with pytest.raises(EplbError, match=r"shape \[2, 3\]"):
        Trace(COUNTS[0])
    with pytest.raises(EplbError, match="whole numbers"):
        Trace(COUNTS + 0.5)
    assert Trace(COUNTS.astype(float)).counts.dtype == np.int64
