"""The memory that a call needs is found, whatever the process held before."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from eplb_variants import Topology, load_variant
from eplb_variants.variant import Variant
from evaluator.timing.memory import peak_mib, place_peak_mib

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system does not say elsewhere")
MIB = 1 << 20
NEAR = 2.0
"""MiB that counts may be off: of a kernel, and of an allocator that keeps what was freed."""


@pytest.mark.parametrize("mib", [4, 32])
def test_what_a_call_needs_at_most_is_found_again_and_again(mib):
    def call():
        np.ones(mib * MIB, dtype=np.uint8)
        np.ones(mib * MIB // 2, dtype=np.uint8)  # the first is gone by then

    for _ in range(3):  # the allocator may keep the first for a while
        assert mib - NEAR < peak_mib(call) < 1.5 * mib + NEAR


def test_what_was_there_before_does_not_count():
    held = np.ones(64 * MIB, dtype=np.uint8)
    assert peak_mib(lambda: held.sum()) < NEAR


def test_what_a_variant_needs_is_what_its_worst_window_needs():
    topology = Topology(4, 1, 1, 2)
    windows = np.arange(1, 25).reshape(3, 2, 4)

    class Greedy:
        def __call__(self, load, topology, previous):
            np.ones(int(load.max()) * MIB, dtype=np.uint8)
            return load_variant("contiguous").placer(load, topology, previous)

    variant = Variant("greedy", "", lambda history: history[-1], Greedy())
    assert 24 - NEAR < place_peak_mib(variant, windows, topology) < 32  # of the last window; the others' need 8 and 16


def test_where_the_system_does_not_say_it_is_not_known(monkeypatch):
    monkeypatch.setattr("evaluator.timing.memory.RESET_PEAK", "no number")
    assert math.isnan(peak_mib(lambda: None))
