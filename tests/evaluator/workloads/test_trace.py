from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import EplbError
from evaluator.workloads.trace import Contents, Trace

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


@pytest.mark.parametrize("count", [(1 << 40) + 1, 2**62])
def test_more_tokens_than_a_step_can_have_are_refused(count):
    """Sums over a window would leave the range of int64."""
    counts = np.ones((2, 3, 4), dtype=np.int64)
    counts[1, 2, 3] = count
    for dtype in (np.int64, np.uint64, np.float64):
        with pytest.raises(EplbError, match="in step 1, layer 2|whole numbers"):
            Trace(counts.astype(dtype))


def test_contents_count_steps_and_layers_without_load():
    counts = COUNTS + 1
    counts[[1, 4, 6]] = 0
    counts[:, 1] = 0
    assert Trace(counts).contents == Contents(7, 2, 3, 3, 1)


def test_there_are_no_more_windows_than_were_asked_for():
    np.testing.assert_array_equal(Trace(COUNTS).windows(2, 2), Trace(COUNTS).windows(2)[:2])
    assert len(Trace(COUNTS).windows(2, 9)) == 3
