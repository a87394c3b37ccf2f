"""Windows that are made when they are asked for are those of the array."""

from __future__ import annotations

import numpy as np
import pytest

from evaluator.workloads.kept import Kept
from evaluator.workloads.trace import Trace
from evaluator.workloads.windows import Windows


def steps(*largest):
    draw = np.random.default_rng(0)
    return [draw.integers(0, most, (3, 8), endpoint=True) + (most - 1) for most in largest]


def test_steps_without_load_are_left_out_as_they_are_from_windows(tmp_path):
    counts = np.stack(steps(5, 6, 7, 8))
    counts[[0, 2]] = 0
    windows = Windows(Kept(tmp_path).keep("key", counts), 1)
    np.testing.assert_array_equal(list(windows), Trace(counts).windows(1))


@pytest.mark.parametrize("interval", [1, 2, 5])
@pytest.mark.parametrize("most", [0, 3])
def test_windows_of_a_file_are_those_of_the_array(tmp_path, interval, most):
    counts = np.stack(steps(*range(1, 41)))
    windows = Windows(Kept(tmp_path).keep("key", counts), interval, most)
    expected = Trace(counts).windows(interval)[: most or None]
    assert windows.shape == expected.shape
    for window in [*range(len(windows)), 0, len(windows) - 1]:
        np.testing.assert_array_equal(windows[window], expected[window])
        assert not windows[window].flags.writeable
    with pytest.raises(IndexError):
        windows[len(windows)]
