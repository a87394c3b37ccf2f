"""A timing pass has the machine to itself, or knows that it has not."""

from __future__ import annotations

import gc
import os

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from evaluator.timing import alone
from evaluator.timing.alone import exclusive, on_one_core, quiet


def test_collection_is_off_while_timing_and_on_after():
    assert gc.isenabled()
    with quiet(1):
        assert not gc.isenabled()
    assert gc.isenabled()


def test_two_timing_passes_exclude_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(alone, "LOCK", str(tmp_path / "lock"))
    with exclusive(0) as first:
        assert first()
        with exclusive(0) as second:
            assert not second()
        assert not first(), "the one that did not wait disturbed the one that held the lock"
    with exclusive(0) as again:
        assert again()


def test_libraries_use_as_many_threads_as_asked_for():
    np.ones((4, 4)) @ np.ones((4, 4))
    with quiet(1):
        assert {pool["num_threads"] for pool in threadpool_info()} <= {1}


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system does not say which cores a thread has")
def test_a_thread_stays_on_one_core_and_has_all_of_its_cores_back():
    cores, seen = os.sched_getaffinity(0), set()
    draw = np.random.default_rng(0)
    for _ in range(20):
        with on_one_core(draw):
            (core,) = os.sched_getaffinity(0)
        seen.add(core)
        assert os.sched_getaffinity(0) == cores
    assert seen <= cores
    assert len(seen) > 1 or len(cores) == 1
