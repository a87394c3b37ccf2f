"""Whether programs place alike, asked on loads of its own."""

from __future__ import annotations

import numpy as np
import pytest

from evaluator.candidates.judging.alike import LOADS, PROCESSES, placed, questions, same
from evaluator.candidates.program import Program, example_program

from ..conftest import wrapped

PARENT = example_program()


@pytest.fixture
def answers(judge, small_stratum):
    """Return a function from a program to what it answers to all questions, and to the first with other seeds."""
    draw = np.random.default_rng(0)
    asked = questions([small_stratum(seeds=(1, 2)), small_stratum(seeds=(3,))], draw)
    assert len(asked) == 2 * PROCESSES
    assert all(len(one.asked) == LOADS for one in asked)

    def of(program):
        found = [placed(judge.sandbox, program, one, draw) for one in asked]
        again = placed(judge.sandbox, program, asked[0].otherwise_seeded(draw), draw)
        return [placement for of_process in found for placement in of_process], same(found[0], again)

    return of


def test_a_change_without_effect_is_seen_as_none_and_a_small_one_as_one(answers):
    parent, repeats = answers(PARENT)
    assert repeats
    assert same(answers(Program("twin", f"{PARENT.source}\n# nothing\n"))[0], parent)
    body = """
    found = _honest(*arguments)[0]
    turned = found.view(found.shape[0], num_gpus, -1).flip(2).reshape(found.shape)
    return found if weight[0, 0] < weight[0, 1] else turned
    """
    rare = wrapped(body)
    assert not same(answers(Program("rare", rare))[0], parent)


def test_a_program_that_draws_does_not_repeat_itself_but_with_the_same_seed_it_does(answers):
    body = """
    found = _honest(*arguments)[0]
    slots = found.view(found.shape[0], num_gpus, -1)
    return slots[:, :, torch.randperm(slots.shape[2])].reshape(found.shape)
    """
    program = Program("draws", wrapped(body))
    one, repeats = answers(program)
    assert not repeats
    assert same(answers(program)[0], one)
