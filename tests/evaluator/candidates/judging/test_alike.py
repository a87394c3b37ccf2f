"""Whether programs place alike, asked on loads of its own."""

from __future__ import annotations

import numpy as np
import pytest

from evaluator.candidates.judging.alike import AGAIN, LOADS, PROCESSES, repeats, same_where_both, twins
from evaluator.candidates.judging.trial import try_out
from evaluator.candidates.program import Program, example_program
from evaluator.candidates.sandbox.pool import Sandbox

from ..conftest import wrapped

PARENT = example_program()


@pytest.fixture
def strata(small_stratum):
    return [small_stratum(windows=4, seeds=(1, 2)), small_stratum(windows=2, seeds=(3,))]


@pytest.fixture
def tried(judge, strata):
    """Return a function from a program to what it did on what all are asked alike."""
    asked = twins(strata, np.random.default_rng(0))
    return lambda program: try_out(judge.sandbox, program, strata, twins=asked)


def test_processes_of_their_own_stand_among_those_of_windows_that_are_drawn(strata):
    hours = set()
    for seed in range(20):
        made = twins(strata, np.random.default_rng(seed))
        assert all(window < strata[number].windows for number, window in made.among)
        own = [twin for together in made.among.values() for twin in together]
        assert all(len(twin.asked) == LOADS for twin in own)
        assert sorted(twin.where for twin in own) == [
            (AGAIN, 0),
            *((number, process) for number in range(2) for process in range(PROCESSES)),
        ]
        first, again = (next(t for t in own if t.where == where) for where in ((0, 0), (AGAIN, 0)))
        assert sorted(first.asked) == sorted(again.asked)
        assert not any(one == other for one, other in zip(first.asked, again.asked, strict=True)), "in other calls"
        for number, one in first.asked.items():
            np.testing.assert_array_equal(one.load_LE, again.asked[number].load_LE)
            assert one.seed != again.asked[number].seed
        hours.add(tuple(sorted(made.among)))
    assert len(hours) > 5


def test_a_change_without_effect_is_seen_as_none_and_a_small_one_as_one(tried):
    parent = tried(PARENT)
    assert parent.repeats
    assert len({where for where in parent.marks if len(where) == 3}) == (2 * PROCESSES + 1) * LOADS
    assert same_where_both(tried(Program("twin", f"{PARENT.source}\n# nothing\n")).marks, parent.marks)
    body = """
    found = _honest(*arguments)[0]
    turned = found.view(found.shape[0], num_gpus, -1).flip(2).reshape(found.shape)
    return found if weight[0, 0] < weight[0, 1] else turned
    """
    rare = wrapped(body)
    assert not same_where_both(tried(Program("rare", rare)).marks, parent.marks)


def test_a_program_that_draws_does_not_repeat_itself_but_with_the_same_seed_it_does(tried):
    body = """
    found = _honest(*arguments)[0]
    slots = found.view(found.shape[0], num_gpus, -1)
    return slots[:, :, torch.randperm(slots.shape[2])].reshape(found.shape)
    """
    program = Program("draws", wrapped(body))
    one, other = tried(program), tried(program)
    assert not one.repeats
    assert same_where_both(one.marks, other.marks)


def test_a_program_that_places_by_the_number_of_its_call_does_not_repeat_itself(tried):
    """Nothing is asked again in the same call of a process."""
    body = """
    calls[0] += 1
    found = _honest(*arguments)[0]
    slots = found.view(found.shape[0], num_gpus, -1)
    order = torch.randperm(slots.shape[2], generator=torch.Generator().manual_seed(calls[0]))
    return slots[:, :, order].reshape(found.shape)
    """
    assert not tried(Program("counts", wrapped(body, before="calls = [0]"))).repeats


def test_what_was_asked_again_is_held_against_the_first_process_alone():
    marks = {(0, 0, 0): b"a", (0, 1, 0): b"b", (0, 3, 0, 0): b"c"}
    assert repeats({**marks, (AGAIN, 0, 0): b"a"})
    assert not repeats({**marks, (AGAIN, 0, 0): b"b"})
    assert same_where_both({**marks, (AGAIN, 0, 0): b"a"}, {**marks, (AGAIN, 0, 0): b"b"})


@pytest.mark.parametrize("drawn", ["hash('text')", "id(object)", "hash(frozenset({'a', 'b'}))"])
def test_what_an_interpreter_draws_when_it_starts_is_no_repeating(tried, monkeypatch, drawn):
    """All processes of a sandbox have the same of it, so the loads are asked again of another."""
    body = f"""
    found = _honest(*arguments)[0]
    slots = found.view(found.shape[0], num_gpus, -1)
    order = torch.randperm(slots.shape[2], generator=torch.Generator().manual_seed({drawn} % 2**31))
    return slots[:, :, order].reshape(found.shape)
    """
    assert not tried(Program("draws", wrapped(body))).repeats
    monkeypatch.setattr(Sandbox, "sibling", property(lambda sandbox: sandbox))
    assert tried(Program("draws", wrapped(body) + "# once more")).repeats
