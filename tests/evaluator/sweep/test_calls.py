"""Calls are counted in memory that is shared with another process."""

from __future__ import annotations

import os

import numpy as np
import pytest

from eplb_variants import Topology, Variant, load_variant
from evaluator.sweep.calls import NOBODY, Calls, watched

TOPOLOGY = Topology(16, 4, 2, 8)


def test_a_call_is_told_from_the_next_one_and_from_none():
    calls = Calls()
    assert (calls.last().running, calls.last().who) == (False, NOBODY)
    calls.begin(4)
    first = calls.last()
    assert (first.running, first.who) == (True, 4)
    calls.end()
    assert (calls.last().running, calls.last().who) == (False, 4)
    calls.begin(5)
    assert calls.last().running
    assert calls.last().number != first.number
    calls.begin(6)  # the one before ended without a word
    assert (calls.last().running, calls.last().who) == (True, 6)
    calls.forget()
    assert calls.last().who == NOBODY


def test_another_process_sees_them():
    calls = Calls()
    pid = os.fork()
    if pid == 0:
        calls.made_here()
        calls.begin(7)
        os._exit(0)
    os.waitpid(pid, 0)
    assert (calls.last().running, calls.last().who) == (True, 7)


def test_a_watched_variant_answers_alike_and_ends_its_call_when_it_raises():
    calls, variant = Calls(), load_variant("seed")
    load = np.random.default_rng(0).random((2, 12))
    same = watched(variant, calls, 1)
    np.testing.assert_array_equal(same.place(load, TOPOLOGY).phy2log, variant.place(load, TOPOLOGY).phy2log)
    assert (same.name, same.config, same.windows) == (variant.name, variant.config, variant.windows)
    with pytest.raises(ValueError, match="load"):
        same.place(-load, TOPOLOGY)
    assert (calls.last().running, calls.last().who) == (False, 1)


def test_a_variant_that_places_in_a_way_of_its_own_is_called_that_way():
    deepseek, seen = load_variant("deepseek"), []

    class Own(Variant):
        def place(self, load, topology, previous=None):
            seen.append(topology)
            return super().place(load, topology, previous)

    own = Own("own", "", deepseek.forecaster, deepseek.placer, deepseek.config)
    watched(own, Calls(), 0).place(np.ones((1, 8)), TOPOLOGY)
    assert seen == [TOPOLOGY]
