"""The sandbox: its children know nothing of each other, and none outlives it."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from eplb_variants import EplbError, Topology
from evaluator.candidates.sandbox import confine, pool
from evaluator.candidates.sandbox.ended import SIZE
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


LOOKS_BACK = """
import gc, struct, sys, types
import torch

def everything():
    frame = sys._getframe()
    while frame is not None:
        yield from frame.f_locals.values()
        frame = frame.f_back
    yield from gc.get_objects()

def rebalance_experts(*_):
    met = [
        one for one in everything()
        if type(one).__name__ == "struct_rusage"
        or (isinstance(one, bytes | str) and str(one).lstrip("b'").startswith("reap"))
        or (type(one).__name__ == "c_char_Array_256" and any(bytes(one)))
    ]
    frame, names = sys._getframe(), set()
    while frame is not None:
        names |= set(frame.f_locals)
        frame = frame.f_back
    if met or {"used", "status"} & names:
        raise ValueError(f"{met} {names}")
    return torch.tensor([1])
"""


def ends(pid):
    """Wait until a process that was sent its end is gone; it is not our child, so that it cannot be waited for."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(descriptor) as file:
        return bool(select.select([file], [], [], FAR)[0])


def test_how_a_process_ended_is_not_in_the_memory_of_those_that_are_forked_later(sandbox):
    """The one that they are forked from waits for each; what it learns is wiped before the next fork."""
    first = sandbox.load(COUNTS)
    calls_of(first)
    status, seconds = first.kill()
    assert status == signal.SIGKILL
    assert 0 < seconds < FAR
    second = sandbox.load(LOOKS_BACK)
    assert calls_of(second) == 1
    second.kill()


def test_a_sibling_hashes_texts_otherwise_is_started_once_and_ends_with_its_sandbox():
    tells = "import torch\ndef rebalance_experts(*_):\n    return torch.tensor([hash('text') % 2**31])"
    with Sandbox(limits=Limits(wall_seconds=FAR)) as sandbox:
        assert sandbox.sibling is sandbox.sibling
        workers = [one.load(tells) for one in (sandbox, sandbox, sandbox.sibling, sandbox.sibling)]
        first, again, other, too = map(calls_of, workers)
        assert first == again != other == too
        for worker in workers:
            worker.kill()
        sandbox.limits = Limits(wall_seconds=FAR, memory_mib=777)
        assert sandbox.sibling.limits.memory_mib == 777
        zygote = sandbox.sibling.zygote.pid
    assert ends(zygote)


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
        sandbox._control.recv(SIZE)
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
        "import os, torch\ndef rebalance_experts(*_): return torch.tensor([os.getpid(), len(os.sched_getaffinity(0))])"
    )
    for _ in range(2):
        worker = sandbox.load(tell)
        worker.share_core()
        assert worker.call(LOAD, TOPOLOGY).phy2log.tolist() == [1, len(os.sched_getaffinity(0))]
        assert 0 < worker.cpu_seconds() < FAR
        worker.kill()


@pytest.mark.skipif(os.getuid() != 0, reason="only where the judge is root are programs another user")
def test_where_the_judge_is_root_programs_are_not(sandbox):
    assert "unprivileged user" in sandbox.layers
    worker = sandbox.load("import os, torch\ndef rebalance_experts(*_): return torch.tensor([os.getuid()])")
    assert worker.call(LOAD, TOPOLOGY).phy2log.tolist() == [65534]
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    assert "Uid:\t65534\t65534\t65534\t65534" in status
    worker.kill()


RELAYS = {
    "a lock": ("fcntl.lockf(library, fcntl.LOCK_SH)", "fcntl.fcntl(library, fcntl.F_GETLK, bytes(32))"),
    "a lease": ("fcntl.fcntl(library, fcntl.F_SETLEASE, fcntl.F_RDLCK)", "fcntl.fcntl(library, fcntl.F_GETLEASE)"),
    "a file": ("open('/tmp/relay', 'w').close()", "os.stat('/tmp/relay')"),
    "a folder": ("os.mkdir('/dev/shm/relay')", "os.stat('/dev/shm/relay')"),
}


@pytest.mark.parametrize("relay", RELAYS)
def test_nothing_is_passed_between_programs_that_run_side_by_side(sandbox, relay):
    """Neither the one that would leave it nor the one that would find it gets through."""
    head = f"import ctypes, fcntl, os\nlibrary = open({np.__file__!r}, 'rb')\ndef rebalance_experts(*_): "
    workers = [sandbox.load(head + code) for code in RELAYS[relay]]
    for worker in workers:
        with pytest.raises(CandidateFailed, match=r"PermissionError|FileNotFoundError|OSError"):
            worker.call(LOAD, TOPOLOGY)
    for worker in workers:
        worker.kill()


def test_an_isolation_that_there_is_not_is_refused():
    with pytest.raises(EplbError, match="no isolation 'atuo': did you mean 'auto'"):
        Sandbox("atuo")


def test_too_little_isolation_is_refused(monkeypatch):
    monkeypatch.setattr(confine, "is_enough", lambda layers: False)
    monkeypatch.setattr(pool.shutil, "which", lambda name: None)
    with pytest.raises(EplbError, match="use --isolation none for programs that you trust"):
        Sandbox()


def test_folders_of_processes_that_were_killed_are_removed_and_no_others(monkeypatch, tmp_path):
    """Whoever lives holds theirs, wherever they run: ids of processes mean nothing to another container."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("eplb-sandbox-killed", "eplb-sandbox-held", "eplb-sandbox-young", "other-old"):
        (tmp_path / name).mkdir()
        if "young" not in name:
            os.utime(tmp_path / name, (0, 0))
    held = pool._held(tmp_path / "eplb-sandbox-held")
    try:
        with Sandbox(limits=Limits(wall_seconds=FAR)):
            left = {path.name for path in tmp_path.iterdir()}
        kept = {"eplb-sandbox-held", "eplb-sandbox-young", "other-old"}
        assert left > kept
        assert len(left) == 4
        assert {path.name for path in tmp_path.iterdir()} == kept
    finally:
        os.close(held)


def test_an_interpreter_that_this_user_may_not_start_is_a_sentence(monkeypatch, tmp_path):
    closed = tmp_path / "python"
    closed.write_text("")  # not executable
    monkeypatch.setattr(sys, "executable", str(closed))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(EplbError, match=r"cannot be started: .*python': Permission denied"):
        Sandbox()
    assert [path.name for path in tmp_path.iterdir()] == ["python"]


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


def test_without_isolation_each_program_has_a_folder_of_its_own():
    """Its source lies there, and what Numba keeps of it: another's would be taken for it."""
    where = (
        "import os\n"
        "def rebalance_experts(*_):\n"
        "    raise RuntimeError(f'{os.getcwd()} {open(\"candidate.py\").read()[-3:]}')\n"
    )
    said = []
    with Sandbox("none", Limits(wall_seconds=FAR)) as sandbox:
        workers = [sandbox.load(f"{where}# {mark}") for mark in "ab"]
        for worker in workers:
            with pytest.raises(CandidateFailed) as caught:
                worker.call(LOAD, TOPOLOGY)
            said.append(caught.value.message.split(" ", 1))
            worker.kill()
    folders, sources = zip(*said, strict=True)
    assert folders[0] != folders[1]
    assert sources == ("# a", "# b")
