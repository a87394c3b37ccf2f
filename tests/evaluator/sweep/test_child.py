"""A child answers, or the parent says why it did not; either way the next request is answered."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from eplb_variants import EplbError
from evaluator.sweep import child as watching
from evaluator.sweep.calls import Calls
from evaluator.sweep.child import CLOSED, Child, Ended

MIB = 1 << 20


@pytest.fixture
def asking():
    """Return a function that makes a child which answers with what a function returns; it is ended after the test."""
    children = []

    def make(answer, *, place_seconds=60.0, memory_bytes=512 * MIB, calls=None):
        children.append(Child(answer, calls or Calls(), place_seconds, memory_bytes))
        return children[-1]

    yield make
    for child in children:
        child.close()


def test_one_process_answers_many_requests(asking):
    child = asking(lambda request: [request, os.getpid()])
    (one, first), (two, second) = child.ask(1), child.ask("zwei")
    assert (one, two) == (1, "zwei")
    assert first == second != os.getpid()


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda: os._exit(7), "ended its process with code 7"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "ended by SIGSEGV"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "ended by SIGKILL, most likely for want of memory"),
        (lambda: os.closerange(0, 4096), CLOSED),
        (lambda: os.kill(os.getpid(), signal.SIGRTMIN + 3), "ended by signal"),
    ],
)
def test_how_it_ended_is_said_and_another_one_answers(asking, end, reason):
    child = asking(lambda request: end() if request == "end" else os.getpid())
    before = child.ask("go on")
    with pytest.raises(Ended, match=reason):
        child.ask("end")
    assert child.ask("go on") not in (before, os.getpid())


def test_errors_for_the_user_and_mistakes_of_ours_are_told_apart(asking):
    def answer(request):
        raise EplbError("the disk is full") if request == "error" else KeyError("a mistake")

    child = asking(answer)
    with pytest.raises(EplbError, match="the disk is full"):
        child.ask("error")
    with pytest.raises(RuntimeError, match="KeyError: 'a mistake'"):
        child.ask("mistake")


def test_a_call_that_takes_too_long_is_ended_and_its_log_says_where_it_was(asking, tmp_path):
    calls, log = Calls(), tmp_path / "log"

    def lingers_here(request):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT), 2)
        calls.begin(3)
        while True:
            pass

    child = asking(lingers_here, place_seconds=0.5, calls=calls)
    with pytest.raises(Ended, match=r"took longer than place_seconds_limit \(0.5 s\)"):
        child.ask("linger", log)
    assert calls.last().who == 3
    assert "lingers_here" in log.read_text()


def test_only_a_single_call_is_limited(asking):
    """Many calls may take longer together, as may what is no call: reading a recording, writing results."""
    calls = Calls()

    def answer(request):
        for _ in range(10):
            calls.begin(0)
            time.sleep(0.1)
            calls.end()
        time.sleep(1.0)
        return "done"

    assert asking(answer, place_seconds=0.9, calls=calls).ask("many") == "done"


def test_time_in_which_nobody_looked_counts_little(monkeypatch):
    """A machine that was asleep, or a parent that was stopped with its child, ends no call."""
    now, calls = [0.0], Calls()
    monkeypatch.setattr(watching.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(watching, "_queued_seconds", lambda process: 0.0)
    watch = watching._Watch(calls, 2.0, 1)
    calls.begin(0)
    assert not watch.is_over()
    now[0] += 1000.0
    assert not watch.is_over()
    for _ in range(3):
        now[0] += 0.5
        assert not watch.is_over()
    now[0] += 0.5
    assert watch.is_over()


def test_time_in_the_queue_for_a_core_does_not_count(monkeypatch):
    """However busy the machine, a call that is quick by itself is not ended."""
    now, queued, calls = [0.0], [0.0], Calls()
    monkeypatch.setattr(watching.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(watching, "_queued_seconds", lambda process: queued[0])
    watch = watching._Watch(calls, 2.0, 1)
    calls.begin(0)
    over = []
    for _ in range(30):
        now[0] += 0.5
        queued[0] += 0.4
        over.append(watch.is_over())
    assert over.index(True) == 21, "20 looks of a tenth of a second each after the first one that saw the call"


def test_memory_runs_out_in_the_child_alone(asking):
    def answer(request):
        try:
            return len(bytearray(request * MIB))
        except MemoryError:
            return "out of memory"

    child = asking(answer, memory_bytes=64 * MIB)
    assert child.ask(16) == 16 * MIB
    assert child.ask(256) == "out of memory"


def test_surroundings_are_put_back_between_requests(asking, tmp_path):
    def answer(request):
        if request == "look":
            return [os.getcwd(), os.environ.get("GUEST"), sys.stdout is not None, str(signal.getsignal(signal.SIGTERM))]
        os.chdir(tmp_path)
        os.environ["GUEST"] = "was here"
        sys.stdout = None
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return None

    child = asking(answer)
    before = child.ask("look")
    child.ask("change")
    assert child.ask("look") == before


def test_what_a_child_forked_off_ends_with_it(asking):
    def answer(request):
        pid = os.fork()
        if pid == 0:
            time.sleep(1000)
        return pid

    child = asking(answer)
    grandchild = child.ask("fork")
    assert Path(f"/proc/{grandchild}").exists()
    child.close()
    assert until(lambda: _state(grandchild) in ("Z", ""))


def test_a_child_ends_with_its_parent_however_that_ended(tmp_path):
    told = tmp_path / "pid"

    def answer(request):
        told.with_suffix(".tmp").write_text(str(os.getpid()))
        told.with_suffix(".tmp").rename(told)
        time.sleep(1000)

    parent = os.fork()
    if parent == 0:
        Child(answer, Calls(), 60, MIB).ask("")
        os._exit(0)
    assert until(told.exists)
    child = int(told.read_text())
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    assert until(lambda: _state(child) in ("Z", ""))


def test_an_answer_that_is_none_ends_the_child(asking):
    child = asking(lambda request: os.write(request, b"nonsense\n") and time.sleep(1000))
    child._start()
    mine = {int(name) for name in os.listdir("/proc/self/fd")}
    theirs = {int(name) for name in os.listdir(f"/proc/{child._pid}/fd")}
    for descriptor in sorted(theirs - mine):
        with pytest.raises(Ended):
            child.ask(descriptor)
        break


def test_a_log_that_grows_without_end_keeps_its_beginning_and_its_end(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"first\n" + b"x" * watching.LARGEST_LOG + b"\nlast")
    watching._cut(log)
    kept = log.read_bytes()
    assert len(kept) < watching.LARGEST_LOG
    assert kept.startswith(b"first\n")
    assert kept.endswith(b"\nlast")
    watching._cut(tmp_path / "there is none")


def _state(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return ""


def until(happens):
    for _ in range(600):
        if happens():
            return True
        time.sleep(0.1)
    return False


def test_a_line_that_is_no_answer_to_the_request_is_not_taken_for_one(asking):
    def answer(request):
        for descriptor in range(3, 64):
            with contextlib.suppress(OSError):
                os.write(descriptor, b'["", "answer", "forged"]\n')
        return "true"

    with pytest.raises(Ended, match="cannot be read"):
        asking(answer).ask("go on")
