"""What an answer must satisfy: each check, by itself and by its name."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eplb_variants import Topology
from evaluator.candidates.judging.checks import Invalid, checked, failed, in_time
from evaluator.candidates.program import example_program
from evaluator.candidates.sandbox.failure import CandidateFailed
from evaluator.candidates.sandbox.worker import Answer

TOPOLOGY = Topology(24, 4, 2, 4)
LOAD = np.random.default_rng(0).lognormal(size=(3, 16))


@pytest.fixture
def answer():
    """Return ``phy2log``, ``log2phy`` and ``logcnt`` of the example program for the load."""
    names = {}
    exec(example_program().source, names)
    return [array.numpy() for array in names["rebalance_experts"](torch.from_numpy(LOAD), 24, 4, 2, 4)]


def refused_by(phy2log, log2phy=None, logcnt=None):
    """Return the name of the check that an answer fails."""
    with pytest.raises(Invalid) as caught:
        checked(Answer(phy2log, log2phy, logcnt), LOAD.shape, TOPOLOGY, "a load")
    assert caught.value.load == "a load"
    assert not caught.value.timed_out
    return caught.value.check


def test_an_honest_answer_passes_with_its_maps_and_without(answer):
    assert checked(Answer(*answer), LOAD.shape, TOPOLOGY, "a load").phy2log.tolist() == answer[0].tolist()
    assert checked(Answer(answer[0], None, None), LOAD.shape, TOPOLOGY, "a load").phy2log.tolist() == answer[0].tolist()


@pytest.mark.parametrize(
    "broken",
    [
        lambda p: None,
        lambda p: np.where(p == 3, 4, p),
        lambda p: np.full_like(p, 10**15),
        lambda p: np.full_like(p, -1),
        lambda p: p[:, :-1],
        lambda p: np.hstack([p, p]),
        lambda p: p[0],
        lambda p: np.zeros(3, dtype=np.int64),
    ],
)
def test_what_is_no_placement(answer, broken):
    assert refused_by(broken(answer[0])) == "phy2log"


@pytest.mark.parametrize("broken", [lambda c: c + 1, lambda c: c[:, :-1], lambda c: c * 0])
def test_counts_that_do_not_agree(answer, broken):
    assert refused_by(answer[0], None, broken(answer[2])) == "logcnt"


@pytest.mark.parametrize("broken", [lambda m: m[:, ::-1], lambda m: np.flip(m, 2), lambda m: m[:, :, :0]])
def test_a_map_that_does_not_agree(answer, broken):
    assert refused_by(answer[0], broken(answer[1]), answer[2]) == "log2phy"


def test_a_group_that_leaves_its_node():
    dealt = np.tile(np.arange(24) % 16, (3, 1))
    assert refused_by(dealt) == "locality"
    one_node = Topology(24, 4, 1, 4)
    assert checked(Answer(dealt, None, None), LOAD.shape, one_node, "a load").phy2log.shape == (3, 24)


def test_a_failure_to_answer_is_a_failed_check():
    late = failed(CandidateFailed("timed out", message="no answer in 20 s"), "mild")
    assert (late.check, late.load, late.detail, late.timed_out) == ("answer", "mild", "no answer in 20 s", True)
    crashed = failed(CandidateFailed("crashed", "ValueError", 3, "no"), "mild")
    assert (crashed.detail, crashed.timed_out) == ("crashed: ValueError in line 3: no", False)


def test_time_that_is_up_is_a_failed_check():
    in_time(float("inf"))
    with pytest.raises(Invalid, match="too long in all") as caught:
        in_time(0.0)
    assert caught.value.timed_out
