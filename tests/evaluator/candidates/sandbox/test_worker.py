"""A child process: what it is handed, what it answers, and how its end is told."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from eplb_variants import Topology
from evaluator.candidates.sandbox import failure, wire
from evaluator.candidates.sandbox.failure import CandidateFailed

TOPOLOGY = Topology(6, 1, 1, 2)
LOAD = np.arange(8.0).reshape(2, 4)
ECHO = """
import torch
def rebalance_experts(weight, num_replicas, num_groups, num_nodes, num_gpus):
    return weight.long(), torch.tensor([num_replicas, num_groups, num_nodes, num_gpus]), torch.rand(3).mul(100).long()
"""


@pytest.fixture
def load(sandbox):
    """Return a function from a source to the process that loaded it."""
    workers = []

    def start(source):
        workers.append(sandbox.load(source))
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()


@pytest.fixture
def failing(load):
    """Return a function from the body of a program to how its call fails."""

    def call(body):
        worker = load(f"def rebalance_experts(*_):\n    {body}")
        with pytest.raises(CandidateFailed) as caught:
            worker.call(LOAD, TOPOLOGY)
        return caught.value

    return call


def test_a_call_hands_over_the_load_and_the_topology(load):
    answer = load(ECHO).call(LOAD, TOPOLOGY)
    np.testing.assert_array_equal(answer.phy2log, LOAD.astype(int))
    assert answer.log2phy.tolist() == [6, 1, 1, 2]


def test_the_environment_holds_no_keys(load):
    tell = "torch.tensor(list(','.join(os.environ).encode()))"
    worker = load(f"import os, torch\ndef rebalance_experts(*_): return {tell}")
    names = bytes(worker.call(LOAD, TOPOLOGY).phy2log.tolist()).decode().split(",")
    allowed = {"PATH", "HOME", "LANG", "LC_CTYPE", "PYTHONDONTWRITEBYTECODE"}
    assert {"PATH", "HOME"} <= {name for name in names if not name.endswith("_NUM_THREADS")} <= allowed


def test_random_numbers_follow_the_seed_of_the_call(load):
    worker = load(ECHO)
    one, two, other = (worker.call(LOAD, TOPOLOGY, seed).logcnt.tolist() for seed in (3, 3, 4))
    assert one == two != other


def test_a_paused_process_goes_on_where_it_was(load):
    worker = load(ECHO)
    worker.pause()
    worker.go_on()
    assert worker.call(LOAD, TOPOLOGY).log2phy.tolist() == [6, 1, 1, 2]


def test_a_crash_is_told_with_its_line_and_the_process_lives_on(load):
    worker = load("\ncalls = []\ndef rebalance_experts(*_):\n    calls.append(1)\n    return [][len(calls)]\n")
    for _ in range(2):
        with pytest.raises(CandidateFailed) as caught:
            worker.call(LOAD, TOPOLOGY)
        assert (caught.value.kind, caught.value.error, caught.value.line) == (failure.CRASHED, "IndexError", 5)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("import os; os._exit(3)", "killed: exited with 3"),
        ("import ctypes; ctypes.string_at(0)", "killed: ended by SIGSEGV"),
        pytest.param("while True: pass", "killed: it used up its CPU time", marks=pytest.mark.long),
    ],
)
def test_how_a_process_ended_is_told(failing, body, told):
    assert str(failing(body)) == told


@pytest.mark.parametrize("body", ["import time; time.sleep(10**6)", "while True: pass"])
def test_no_answer_in_time_is_told_with_the_time(sandbox, load, monkeypatch, body):
    """However little time it has: what never answers is late."""
    worker = load(f"def rebalance_experts(*_):\n    {body}")
    monkeypatch.setattr(sandbox, "limits", dataclasses.replace(sandbox.limits, wall_seconds=0.1))
    with pytest.raises(CandidateFailed, match=r"^timed out: no answer in 0\.1 s$"):
        worker.call(LOAD, TOPOLOGY)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("struct.pack('<IQ', RESULT, 1 << 60)", "garbage: a message of 1152921504606846976 bytes was announced"),
        ("struct.pack('<IQ', RESULT, 1 << 17)", "garbage: a message of 131072 bytes was announced"),
        (
            "struct.pack('<IQ', RESULT, 8) + struct.pack('<q', 3) + MAPS",
            "garbage: the answer ends before its arrays do",
        ),
        (
            "struct.pack('<IQ', RESULT, 32) + struct.pack('<4q', 1, 2, 1 << 40, 1 << 40) + MAPS",
            "garbage: the answer holds an",
        ),
        ("struct.pack('<IQ', RESULT, 8) + struct.pack('<q', 0)", "killed: exited with 0"),
        ("2 * (struct.pack('<IQ', RESULT, 8) + struct.pack('<q', 0))", "garbage: a message out of turn"),
        ("struct.pack('<IQ', 77, 0)", "garbage: a message out of turn"),
        ("struct.pack('<IQ', ERROR, 1 << 27)", "garbage: a message of 134217728 bytes was announced"),
        ("struct.pack('<IQ', ERROR, 6) + 'X\\n²\\nm'.encode()", "crashed: X: m"),
        ("struct.pack('<IQ', ERROR, 4000) + b'X\\n' + b'9' * 3990 + b'\\nmessage'", "crashed: X: message"),
        ("b'\\0' * 5", "killed: exited with 0"),
    ],
)
def test_a_forged_message_is_no_answer(failing, written, told):
    """What a program writes to the channel itself is a stranger's word, and what it leaves unsaid is not waited for."""
    names = f"RESULT, ERROR = {wire.RESULT}, {wire.ERROR}; MAPS = struct.pack('<IQq', {wire.MAPS}, 8, 0)"
    assert str(failing(f"import os, struct; {names}; os.write(3, {written}); os._exit(0)")).startswith(told)


def test_what_is_said_before_the_question_is_no_answer_to_it(load):
    """A thread that answers when the random numbers are seeded would be the quickest of all."""
    worker = load(f"""
import os, struct
forged = struct.pack('<IQq', {wire.RESULT}, 8, 0)
import evaluator.candidates.sandbox.guest as guest
guest._seeders = lambda: [lambda seed: os.write(3, forged)]
def rebalance_experts(*_):
    return None
""")
    with pytest.raises(CandidateFailed, match="a message out of turn"):
        worker.call(LOAD, TOPOLOGY)


def test_an_answer_is_no_longer_than_the_shape_asked_for(failing):
    told = str(failing("import torch; return torch.zeros(1 << 20, dtype=torch.long)"))
    assert told.startswith("garbage: a message of 8388")
    told = str(failing("import torch; return torch.zeros(2, 6), torch.zeros(1 << 20, dtype=torch.long)"))
    assert told.startswith("garbage: a message of 8388")


def test_a_program_without_the_function_is_told(sandbox):
    with pytest.raises(CandidateFailed, match="has no function rebalance_experts"):
        sandbox.load("x = 1")
