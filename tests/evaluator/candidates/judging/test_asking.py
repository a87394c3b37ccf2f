"""The one way to ask: labels, seeds, and a process that is stopped in between."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eplb_variants import Topology, check_placement
from evaluator.candidates.judging.asking import Process, in_own_labels, question
from evaluator.candidates.judging.checks import Invalid
from evaluator.candidates.program import Program
from evaluator.quality import metrics

from ..conftest import wrapped

TOPOLOGY = Topology(24, 4, 2, 4)
LOAD_LE = np.random.default_rng(0).poisson(300, (3, 16)).astype(float)


@pytest.fixture
def draw():
    return np.random.default_rng(1)


@pytest.fixture
def process(judge, draw):
    """Return a function from a program's body to a process that runs it."""
    started = []

    def start(body="return _honest(*arguments)", before=""):
        program = Program("program", wrapped(body, before))
        started.append(Process(judge.sandbox, program, LOAD_LE, TOPOLOGY, draw))
        return started[-1]

    yield start
    for one in started:
        one.end()


def test_labels_are_drawn_for_every_question_and_groups_stay_together(draw):
    one, other = (question(LOAD_LE, TOPOLOGY, draw) for _ in range(2))
    assert not np.array_equal(one.order_LE, other.order_LE)
    assert one.seed != other.seed
    np.testing.assert_array_equal(one.load_LE, np.take_along_axis(LOAD_LE, one.order_LE, axis=1))
    groups = (one.order_LE // 4).reshape(3, 4, 4)
    assert (groups == groups[:, :, :1]).all(), "a group stays together"
    assert len({tuple(row) for row in one.order_LE}) == 3, "each layer has labels of its own"
    odd = question(LOAD_LE[:, :14], TOPOLOGY, draw)
    np.testing.assert_array_equal(np.sort(odd.order_LE, axis=1)[0], np.arange(14))


def test_a_placement_is_worth_the_same_in_either_labels(process, draw):
    asked = question(LOAD_LE, TOPOLOGY, draw)
    placement = process().answer(asked)
    own = in_own_labels(placement, asked.order_LE)
    assert metrics.balance(asked.load_LE, placement) == metrics.balance(LOAD_LE, own)
    assert metrics.balance(asked.load_LE, own).gpu < metrics.balance(LOAD_LE, own).gpu
    again = check_placement(own.phy2log, 16, TOPOLOGY)
    np.testing.assert_array_equal(own.rank, again.rank)


def test_a_process_uses_no_time_between_its_answers(process, draw):
    running = process(
        "answer = _honest(*arguments)\nthreading.Thread(target=burn, daemon=True).start()\nreturn answer",
        "import threading\ndef burn():\n    while True: sum(range(1000))",
    )
    running.answer(question(LOAD_LE, TOPOLOGY, draw))
    tasks = Path(f"/proc/{running._worker.process.pid}/task")
    while {task.joinpath("stat").read_text().rpartition(")")[2].split()[0] for task in tasks.iterdir()} != {"T"}:
        pass  # the kernel stops each of its threads as soon as it can
    before = running.cpu_seconds()
    sum(range(10**6))
    assert running.cpu_seconds() == before > 0


def test_nothing_tells_one_call_from_another(process, draw):
    """Each call finds as many seconds of its own, another seed and the same signals as the one before."""
    running = process(
        """
        seen.append((torch.initial_seed(), len(woken)))
        if len(seen) == 4:
            seeds, signals = zip(*seen)
            assert len(set(seeds)) == 4
            assert [later - earlier for earlier, later in zip(signals, signals[1:])] == [2, 2, 2]
        return _honest(*arguments)
        """,
        "import signal\nseen, woken = [], []\nsignal.signal(signal.SIGCONT, lambda *_: woken.append(1))",
    )
    for _ in range(3):
        running.answer(question(LOAD_LE, TOPOLOGY, draw))


def test_what_fails_is_told_with_the_name_of_the_load(process, draw):
    running = process("seen.append(1)\nassert len(seen) < 2\nreturn _honest(*arguments)", "seen = []")
    with pytest.raises(Invalid, match="AssertionError") as caught:
        running.answer(question(LOAD_LE, TOPOLOGY, draw, "a name"))
    assert caught.value.load == "a name"


@pytest.mark.parametrize(
    ("source", "load"), [("x = 1", "loading the program"), ("def rebalance_experts(*_): 1 / 0", "the workload")]
)
def test_a_process_that_does_not_come_up_leaves_nothing(judge, draw, source, load):
    with pytest.raises(Invalid) as caught:
        Process(judge.sandbox, Program("broken", source), LOAD_LE, TOPOLOGY, draw)
    assert caught.value.load == load
    assert not judge.sandbox._living


def test_the_example_program_does_not_go_by_labels(process, draw):
    """Where no two experts have the same load, renaming them changes nothing."""
    uneven_LE = LOAD_LE + np.linspace(0, 0.4, 16)
    one, other = (question(uneven_LE, TOPOLOGY, draw) for _ in range(2))
    running = process()
    placed = [in_own_labels(running.answer(asked), asked.order_LE).phy2log for asked in (one, other)]
    np.testing.assert_array_equal(*placed)
