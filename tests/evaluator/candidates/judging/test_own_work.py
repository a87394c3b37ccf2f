"""A program that spares itself the judge's own work in its process is not called faster for it."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import Topology
from evaluator.candidates.judging import schema
from evaluator.candidates.judging.feedback import feedback
from evaluator.candidates.judging.own_work import own_seconds
from evaluator.candidates.judging.verdict import _time_verdict
from evaluator.candidates.program import Program, example_program
from evaluator.candidates.sandbox.pool import Sandbox

LISTS = """
_tensors = rebalance_experts

def rebalance_experts(*arguments):
    return tuple([one.tolist() for one in _tensors(*arguments)])
"""


LATER = """
_tensors, _calls = rebalance_experts, []

def rebalance_experts(*arguments):
    _calls.append(1)
    answer = _tensors(*arguments)
    return answer if len(_calls) < 2 else tuple([one.tolist() for one in answer])
"""
RECURSION = """
_rebalance_experts, _answers = rebalance_experts, None

def rebalance_experts(weight, *numbers):
    if len(weight) == 1:
        return _rebalance_experts(weight, *numbers)
    return torch.cat([rebalance_experts(weight[row:row + 1], *numbers)[0] for row in range(len(weight))])
"""


def program(more):
    return Program("parent", example_program().source + more)


def times(ratio, work, *, seconds=1e-3, off=1.0):
    ends = {"_low": ratio - 0.01, "_high": ratio + 0.01}
    control = {name: off + more for name, more in zip(schema.CONTROL, (0, -0.001, 0.001), strict=True)}
    return {
        "time_ratio": ratio,
        **{f"time_ratio{end}": value for end, value in ends.items()},
        "place_seconds": seconds * ratio,
        "timing_rounds": 30,
        "timing_valid": True,
        "timing_has_core": True,
        **control,
        schema.OWN_WORK: work,
    }


@pytest.mark.parametrize(
    ("ratio", "work", "said"),
    [
        (0.90, 0.0, "faster"),
        (0.90, 60e-6, "faster"),
        (0.93, 60e-6, None),
        (0.90, 90e-6, None),
        (0.99, 90e-6, "no difference"),
        (1.10, 90e-6, "slower"),
    ],
)
def test_faster_is_faster_by_more_than_could_be_spared(ratio, work, said):
    """Of a parent that takes a millisecond."""
    assert _time_verdict(times(ratio, work)) == said


def test_the_reason_for_no_verdict_is_said():
    row = {"verdict": schema.IDENTICAL, "detail": None, "fails_on": None, "repeats": True, "time_verdict": None}
    row |= {"check": None, "stage": schema.TRAINING, "score": None, "score_parent": None}
    assert "quicker by less than the 0.09 ms of a call" in feedback(row | times(0.9, 90e-6))["text"]
    assert "the parent beside itself took 1.50" in feedback(row | times(0.9, 90e-6, off=1.5))["text"]


def test_the_judges_own_work_is_a_fraction_of_a_millisecond_and_above_nothing():
    loads = list(np.random.default_rng(0).random((3, 4, 24)))
    with Sandbox() as sandbox:
        found = {
            name: own_seconds(sandbox, program(more), loads, Topology(36, 4, 2, 6), calls=15)
            for name, more in (("tensors", ""), ("lists", LISTS), ("lists later", LATER), ("recursion", RECURSION))
        }
    assert 1e-6 < found["tensors"] < 0.05
    assert found["lists"] > found["tensors"], "lists are more work than tensors"
    assert found["lists later"] > found["tensors"], "what is most work of its first answers counts"
    assert found["recursion"] < 0.05
