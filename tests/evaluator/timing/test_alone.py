"""A timing pass has the machine to itself, or knows that it has not."""

from __future__ import annotations

import gc

import numpy as np
from threadpoolctl import threadpool_info

from evaluator.timing import alone
from evaluator.timing.alone import exclusive, quiet


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
