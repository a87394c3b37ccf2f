"""The recording that ships is what it says of itself: its counts follow from its tokens, its requests begin and end."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from evaluator.workloads import UnusableWorkload, load_workload
from evaluator.workloads.moments import jumps
from evaluator.workloads.readers import read_trace
from evaluator.workloads.recorded import Recorded
from evaluator.workloads.requests import loads_by_domain, read_tokens
from evaluator.workloads.shipped import Shipped, shipped_recordings

PATH = shipped_recordings()["byte_moe"]
LARGEST = 2_000_000
"""Bytes that it may take in the package."""


@pytest.fixture(scope="module")
def trace():
    return read_trace(PATH)


@pytest.fixture(scope="module")
def entries():
    with np.load(PATH, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def test_it_is_small_long_and_says_what_it_is(trace):
    assert PATH.stat().st_size <= LARGEST
    assert trace.counts.shape == (800, 8, 64)
    assert (trace.top_k, trace.num_groups, trace.tokens_per_step) == (4, 1, 96)
    assert all((trace.model, trace.phase, trace.source, trace.licence))


def test_every_token_chooses_as_many_distinct_experts_in_each_layer(trace, entries):
    assert (trace.counts.sum(axis=2) == trace.tokens_per_step * trace.top_k).all()
    assert (np.diff(entries["expert_ids"].astype(int), axis=1) > 0).all(), "in ascending order"


def test_counts_follow_from_the_tokens(trace, entries):
    """Step by step, 96 tokens each: nothing in the counts is from anywhere else."""
    ids = entries["expert_ids"].reshape(8, 4, 800, 96)
    for step in range(800):
        found = [np.bincount(ids[layer, :, step].ravel(), minlength=64) for layer in range(8)]
        np.testing.assert_array_equal(trace.counts[step], found)


def test_requests_begin_and_end_at_their_own_steps(entries):
    request_of, first, last = (entries[name] for name in ("token_request", "request_first_step", "request_last_step"))
    step_of = np.arange(len(request_of)) // 96
    for request in range(len(first)):
        steps = step_of[request_of == request]
        assert (steps[0], steps[-1]) == (first[request], last[request])
    assert len(np.unique(first)) > 300, "they do not come in batches"
    lengths = np.bincount(request_of)
    assert lengths.max() > 10 * lengths.min(), "they are of uneven length"
    alive = [np.count_nonzero((first <= step) & (step <= last)) for step in range(50, 800)]
    assert min(alive) > 10, "many run at once"


def test_labels_say_which_domains_requests_are_of(entries):
    """A phase of one domain has requests of that domain alone among those that begin in it."""
    domains, phases = entries["domains"].tolist(), entries["phases"].tolist()
    phase_of_request = entries["step_phase"][entries["request_first_step"]]
    for number, phase in enumerate(phases):
        found = {domains[domain] for domain in entries["request_domain"][phase_of_request == number]}
        if phase in domains:
            assert found == {phase}
        else:
            assert len(found) > 1, phase
    assert len(phases) >= 6


@pytest.mark.parametrize("interval", [4, 16])
def test_jumps_are_found_where_labels_say_that_other_work_begins(trace, entries, interval):
    """Requests of before go on for some steps: what begins with 144 steps of a drift is noticed within it."""
    begins = np.flatnonzero(np.diff(entries["step_phase"])) + 1
    found = np.array(jumps(trace.windows(interval))) * interval
    assert found.size >= 4
    assert max(abs(jump - begins).min() for jump in found) <= 32, (found, begins)


def test_domains_choose_different_experts():
    loads_DLE = loads_by_domain(read_tokens(PATH), 64)
    share = loads_DLE / loads_DLE.sum(axis=2, keepdims=True)
    for layer in range(8):
        between = np.corrcoef(share[:, layer])[np.triu_indices(len(share), 1)]
        assert between.mean() < 0.5


def test_it_is_the_same_workload_as_a_copy_elsewhere(tmp_path):
    shipped = load_workload({"kind": "shipped", "recording": "byte_moe"})
    shutil.copyfile(PATH, tmp_path / "copy.npz")
    assert shipped.identity() == Recorded(str(tmp_path / "copy.npz")).identity()
    assert shipped.own_name == "byte_moe"


def test_a_recording_that_does_not_ship_is_refused_with_those_that_do():
    for name in ("byte_mo", "", "../recordings/byte_moe"):
        for ask in (lambda made: made.check(1), lambda made: made.identity(), lambda made: made.read_as):
            with pytest.raises(UnusableWorkload, match="shipped recording"):
                ask(Shipped(name))


def test_windows_of_it_are_sums_of_its_steps(trace):
    windows = trace.windows(16)
    assert windows.shape == (50, 8, 64)
    np.testing.assert_array_equal(windows[3], trace.counts[48:64].sum(axis=0, dtype=int))
    assert trace.windows(48).shape[0] == 16, "a last, shorter window is dropped"
