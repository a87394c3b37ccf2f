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


def test_an_isolation_that_there_is_not_is_refused():
    with pytest.raises(EplbError, match="no isolation 'atuo': did you mean 'auto'"):
        Sandbox("atuo")


def test_too_little_isolation_is_refused(monkeypatch):
    monkeypatch.setattr(confine, "is_enough", lambda layers: False)
    monkeypatch.setattr(pool.shutil, "which", lambda name: None)
    with pytest.raises(EplbError, match="use --isolation none for programs that you trust"):
        Sandbox()


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_where_the_kernel_does_not_close_files_bubblewrap_does(monkeypatch, tmp_path):
    monkeypatch.setattr(confine, "is_enough", lambda layers: "bubblewrap" in layers)
    secret = tmp_path / "secret"
    secret.write_text("loads")
    with Sandbox(limits=Limits(wall_seconds=FAR)) as sandbox:
        assert "bubblewrap" in sandbox.layers
        worker = sandbox.load(COUNTS)
        assert calls_of(worker) == 1
        worker.kill()
        worker = sandbox.load(f"def rebalance_experts(*_): open({str(secret)!r})")
        with pytest.raises(CandidateFailed, match=r"FileNotFoundError|PermissionError"):
            worker.call(LOAD, TOPOLOGY)
        worker.kill()
