"""The sandbox: its children know nothing of each other, and none outlives it."""

from __future__ import annotations

import os
import select
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from eplb_variants import EplbError, Topology
from evaluator.candidates.sandbox import confine, pool
from evaluator.candidates.sandbox.failure import CandidateFailed
from evaluator.candidates.sandbox.limits import Limits
from evaluator.candidates.sandbox.pool import Sandbox

from ..conftest import FAR

TOPOLOGY = Topology(6, 1, 1, 2)
LOAD = np.arange(8.0).reshape(2, 4)
COUNTS = """
import torch
calls = 0
def rebalance_experts(*_):
    global calls
    calls += 1
    return torch.tensor([calls])
"""


def calls_of(worker):
    """Return how many calls a process that runs ``COUNTS`` has had, this one too."""
    return worker.call(LOAD, TOPOLOGY).phy2log.item()


def ends(pid):
    """Wait until a process that was sent its end is gone; it is not our child, so that it cannot be waited for."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(descriptor) as file:
        return bool(select.select([file], [], [], FAR)[0])


def test_the_layers_in_force_are_known(sandbox):
    assert confine.is_enough(sandbox.layers)
    assert "resource limits" in sandbox.layers


def test_a_process_is_kept_until_it_is_killed_and_the_next_knows_nothing_of_it(sandbox):
    first = sandbox.load(COUNTS)
    assert [calls_of(first) for _ in range(3)] == [1, 2, 3]
    second = sandbox.load(COUNTS)
    assert calls_of(second) == 1
    first.kill()
    first.kill()
    second.kill()


def test_scratch_folders_are_gone_with_their_processes(sandbox):
    worker = sandbox.load("open('note', 'w').write('x')\n" + COUNTS)
    worker.kill()
    assert list(Path(sandbox._folder).iterdir()) == []


def test_no_process_outlives_the_zygote_or_the_sandbox():
    """It may not ask to outlive its parent; and what is stopped is ended too."""
    clear = "import ctypes\nif ctypes.CDLL(None).prctl(1, 0, 0, 0, 0) == 0:\n    raise SystemExit\n"
    with Sandbox(limits=Limits(wall_seconds=FAR)) as sandbox:
        stubborn, stopped = sandbox.load(clear + COUNTS), sandbox.load(COUNTS)
        stopped.pause()
        stubborn._channel.close()
        pids = [worker.process.pid for worker in (stubborn, stopped)]
        os.kill(sandbox._process.pid, signal.SIGKILL)
        sandbox._process.wait()
        assert ends(pids[0])
        sandbox.close()
        stopped.kill()
        assert ends(pids[1])


def test_without_isolation_it_says_so_and_still_works():
    with Sandbox("none", Limits(wall_seconds=FAR)) as sandbox:
        assert sandbox.layers == []
        worker = sandbox.load(COUNTS)
        assert calls_of(worker) == 1
        worker.kill()


@pytest.fixture
def without_namespaces(monkeypatch):
    """Return a sandbox on a machine that gives no namespaces."""
    start = Sandbox._start

    def refusing(self, mode, wrapper=()):
        return "no namespaces" if mode == pool.ROOTED else start(self, mode, wrapper)

    monkeypatch.setattr(Sandbox, "_start", refusing)
    with Sandbox(limits=Limits(wall_seconds=FAR)) as sandbox:
        yield sandbox


def test_where_namespaces_are_forbidden_it_falls_back_and_says_so(without_namespaces):
    assert confine.is_enough(without_namespaces.layers)
    assert "namespaces" not in without_namespaces.layers
    worker = without_namespaces.load("open('note', 'w').write('x')\n" + COUNTS)
    assert calls_of(worker) == 1
    worker.kill()
    assert list(Path(without_namespaces._folder).iterdir()) == []


def test_a_real_time_signal_is_one_programs_own_affair(without_namespaces):
    """It has no name of its own. Where a program is the first of a namespace it cannot end itself so."""
    worker = without_namespaces.load("import os\ndef rebalance_experts(*_): os.kill(os.getpid(), 40)")
    with pytest.raises(CandidateFailed, match="ended by signal 40"):
        worker.call(LOAD, TOPOLOGY)


def test_a_fork_that_fails_is_one_programs_own_affair(sandbox, monkeypatch):
    """The judge goes on, and does not keep it as the program's fault."""
    told = sandbox._told_of

    def refused():
        _, process = told()
        process.end()
        sandbox._control.sendall(f"reap\n{process.name}".encode())
        sandbox._control.recv(64)
        process.close()
        return "Resource temporarily unavailable", None

    with monkeypatch.context() as patched:
        patched.setattr(sandbox, "_told_of", refused)
        with pytest.raises(CandidateFailed, match="no process could be forked for it: Resource") as caught:
            sandbox.load(COUNTS)
    assert caught.value.kind == "timed out"
    worker = sandbox.load(COUNTS)
    assert calls_of(worker) == 1
    worker.kill()


def test_every_program_has_the_same_id_and_a_core_of_its_judges_choice(sandbox):
    if "namespaces" not in sandbox.layers:
        pytest.skip(f"this kernel gives user {os.getuid()} no namespaces")
    tell = (
        "import os\n"
        "def rebalance_experts(*_):\n"
        "    raise RuntimeError(f'{os.getcwd()} {open(\"candidate.py\").read()[-3:]}')\n"
    )
    said = []
    with Sandbox("none", Limits(wall_seconds=FAR)) as sandbox:
        workers = [sandbox.load(f"{tell}# {mark}") for mark in "ab"]
        for worker in workers:
            with pytest.raises(CandidateFailed) as caught:
                worker.call(LOAD, TOPOLOGY)
            said.append(caught.value.message.split(" ", 1))
            worker.kill()
    folders, sources = zip(*said, strict=True)
    assert folders[0] != folders[1]
    assert sources == ("# a", "# b")
