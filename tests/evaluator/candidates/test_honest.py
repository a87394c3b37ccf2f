"""Honest programs of many shapes: none is wronged. Each does what the parent does, in its own way."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from evaluator.candidates.judging.schema import ARROW, IDENTICAL, INVALID, NO_DIFFERENCE
from evaluator.candidates.program import Program
from evaluator.results.store import Store

from .conftest import PARENT, wrapped

FUTURE = "from __future__ import annotations\n"
PLAIN = "return _honest(*arguments)"


def shapes():
    """Return what stands before each program of the corpus and within it, by name."""
    corpus = Path(__file__).with_name("honest.txt").read_text()
    found = {}
    for section in corpus.split("\n=== ")[1:]:
        name, _, source = section.partition("\n")
        before, _, body = source.partition("---\n")
        found[name] = (before, body if "return" in body else body + PLAIN)
    return found


SHAPES = shapes()


@pytest.fixture(scope="module")
def verdict(judge, small_settings, tmp_path_factory):
    """Return a function from a program's source to the row that a judge of two windows writes on it."""
    twin = copy.copy(judge)
    twin.settings, twin._found = small_settings(windows=2), {}
    twin.store = Store(tmp_path_factory.mktemp("honest"), ARROW)
    twin.store.prepare()

    def of(source):
        program = Program("honest", source)
        return twin.judge([program])[program.key]

    of.judge = twin
    return of


LONG = {"code that Numba keeps"}
"""Shapes that take many seconds."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long) if name in LONG else name for name in SHAPES]
)
def test_an_honest_program_is_judged_by_its_placements(verdict, name):
    before, body = SHAPES[name]
    row = verdict(wrapped(body, f"\n{before}"))
    assert (row["verdict"], row["check"], row["detail"], row["portable"]) == (IDENTICAL, None, None, True)


@pytest.mark.parametrize("hints", ["", FUTURE])
def test_annotations_are_read_as_the_program_says(verdict, hints):
    """What the loader imports from the future is not the program's: without it, a hint is evaluated."""
    kept = "str" if hints else "type"
    source = f"{hints}{PARENT}\ndef f(x: int): pass\nassert type(f.__annotations__['x']) is {kept}\n"
    assert verdict(source)["verdict"] == IDENTICAL


def test_randomness_in_some_windows_only_is_no_stale_state(verdict):
    """One call in four turns the slots of its GPUs, which changes nothing that a placement is worth but for ties."""
    row = verdict(
        wrapped(
            "answer = _honest(*arguments)[0]\nturn = int(torch.randint(4, ()))\n"
            "return answer if turn else answer.view(*answer.shape[:1], num_gpus, -1).flip(2).flatten(1)"
        )
    )
    assert row["verdict"] == NO_DIFFERENCE
    assert row["balancedness_gpu_next_difference"] == pytest.approx(0, abs=0.005)


def test_two_seconds_a_call_are_slow_and_no_fault(verdict, monkeypatch):
    """It is asked in a process for each window, and no limit of the whole is far off."""
    monkeypatch.setattr("evaluator.candidates.judging.trial.SLOW_SECONDS", 0.05)
    row = verdict(
        wrapped("import time\nuntil = time.thread_time() + 0.06\nwhile time.thread_time() < until: pass\n" + PLAIN)
    )
    assert row["verdict"] == IDENTICAL


def test_a_program_for_its_own_topology_alone_is_valid_and_not_portable(verdict):
    body = "if num_gpus == 1:\n    raise ValueError('one GPU is not balanced')\n" + PLAIN
    row = verdict(wrapped(body))
    assert (row["verdict"], row["portable"], row["fails_on"]) == (IDENTICAL, False, "one GPU")
    row = verdict(wrapped("assert weight.sum() > 0\n" + PLAIN))
    assert (row["verdict"], row["check_load"]) == (INVALID, "all zero")
