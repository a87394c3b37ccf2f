"""Hard loads: which of them decide, and what is said of the others."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import Topology
from eplb_variants.hard_loads import TOPOLOGIES
from evaluator.candidates.judging.checks import Invalid
from evaluator.candidates.judging.hard import Asker, pass_hard_loads
from evaluator.candidates.program import Program, example_program

from ..conftest import wrapped

SHAPE, TOPOLOGY = (3, 16), Topology(24, 4, 2, 4)


@pytest.fixture
def passed(judge):
    """Return a function from a program's body to what becomes of its hard loads."""

    def of(body="return _honest(*arguments)", strict=False, deadline=float("inf")):
        program = Program("program", wrapped(body))
        asker = Asker(judge.sandbox, program, np.ones(SHAPE), TOPOLOGY, deadline, np.random.default_rng(0))
        try:
            return pass_hard_loads(asker, SHAPE, TOPOLOGY, strict=strict)
        finally:
            asker.end()

    return of


def test_a_program_that_copes_with_all_is_portable(passed):
    assert passed() == (10 + 2 * len(TOPOLOGIES), ())


@pytest.mark.parametrize(
    ("body", "load"),
    [
        ("assert weight.sum(dim=1).min() > 0\nreturn _honest(*arguments)", "all zero"),
        ("assert weight.max() < 1e12\nreturn _honest(*arguments)", "huge"),
        ("answer = _honest(*arguments)\nreturn answer if (weight > 0).any(1).all() else 0 * answer[0]", "all zero"),
    ],
)
def test_a_hard_load_on_the_topology_asked_for_decides_and_is_named(passed, body, load):
    with pytest.raises(Invalid) as caught:
        passed(body)
    assert caught.value.load == load


def test_other_topologies_are_named_and_decide_only_where_that_is_asked_for(passed):
    body = "assert num_gpus > 1 and num_replicas > weight.shape[1]\nreturn _honest(*arguments)"
    found = passed(body)
    assert found.fails_on == ("no redundancy", "one GPU")
    assert found.loads == 10 + 2 * (len(TOPOLOGIES) - 2)
    with pytest.raises(Invalid) as caught:
        passed(body, strict=True)
    assert caught.value.load == "no redundancy"


def test_a_program_that_does_not_load_is_told_at_once(judge):
    broken, draw = Program("broken", "1 / 0"), np.random.default_rng(0)
    asker = Asker(judge.sandbox, broken, np.ones(SHAPE), TOPOLOGY, float("inf"), draw)
    with pytest.raises(Invalid) as caught:
        pass_hard_loads(asker, SHAPE, TOPOLOGY)
    assert caught.value.load == "loading the program"


def test_time_that_is_up_is_told(passed):
    with pytest.raises(Invalid, match="too long in all") as caught:
        passed(deadline=0.0)
    assert caught.value.timed_out


def test_shapes_of_other_topologies_are_drawn(judge, monkeypatch):
    seen = set()
    for seed in range(6):
        asker = Asker(judge.sandbox, example_program(), np.ones(SHAPE), TOPOLOGY, 0.0, np.random.default_rng(seed))
        machine, experts = asker.larger("one slot per GPU", TOPOLOGIES["one slot per GPU"])
        assert machine.num_slots == machine.num_gpus > experts
        seen.add((asker.layers(), experts))
    assert len(seen) > 3
