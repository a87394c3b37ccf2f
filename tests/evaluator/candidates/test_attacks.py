"""Programs that cheat or do harm, whole, through the judge: each ends invalid, or scored at no more than it is worth.

After every attack an honest program is judged again and must get what it got before, and no process is left. What each
layer refuses is tested call by call in ``sandbox/``, what is no placement in ``judging/test_checks.py``.
"""

from __future__ import annotations

import json
import os
import socket

import numpy as np
import pytest

from evaluator.candidates.judging import asking
from evaluator.candidates.judging.feedback import feedback
from evaluator.candidates.judging.judge import Judge
from evaluator.candidates.judging.schema import ARROW, IDENTICAL, INVALID, NO_DIFFERENCE, TIMED_OUT, WORSE
from evaluator.candidates.judging.timed import TimedProgram
from evaluator.candidates.program import Program
from evaluator.results.store import Store
from evaluator.timing.settings import TimingSettings

from .conftest import PARENT, children_of, wrapped

# ---- looking where nothing is to be seen, and changing what others see -----------------------------------------------


def test_the_next_window_is_not_in_the_process(attack, judge):
    """The callers' frames, every object of the interpreter and every array hold one window at most."""
    wanted = judge.settings.training[0].traces[0].astype(np.float32)[1:, 0, :4].tolist()
    row = attack(
        f"""
        import gc, sys
        import numpy
        def rows(value):
            if isinstance(value, (torch.Tensor, numpy.ndarray)) and value.ndim >= 2 and value.shape[-1] == 16:
                for row in value.reshape(-1, 16).tolist():
                    yield row[:4]
        seen = [tuple(row) for o in gc.get_objects() for row in rows(o)]
        frame = sys._getframe()
        while frame:
            seen += [tuple(row) for value in list(frame.f_locals.values()) for row in rows(value)]
            frame = frame.f_back
        if weight.shape == (3, 16) and len({{s for s in seen if list(s) in {wanted!r}}}) > 1:
            raise RuntimeError("found a window that is not mine")
        return _honest(*arguments)
        """
    )
    assert row["verdict"] == IDENTICAL


def test_the_workloads_file_cannot_be_read(attack, tmp_path):
    path = tmp_path / "workload.npz"
    path.write_bytes(b"secret loads")
    row = attack(f"open({str(path)!r}).read()\nreturn _honest(*arguments)")
    assert (row["verdict"], row["check"]) == (INVALID, "answer")
    assert "FileNotFoundError" in row["detail"] or "PermissionError" in row["detail"]


def test_changing_arrays_changes_nothing(attack):
    """Neither the program's input nor any other array in its reach is one that the judge looks at."""
    row = attack(
        """
        import gc, numpy
        answer = [a.clone() for a in _honest(*arguments)]
        weight.zero_()
        for o in gc.get_objects():
            if isinstance(o, numpy.ndarray) and o.dtype == numpy.float32 and o.size and o.flags.writeable:
                o[...] = 1
        return tuple(answer)
        """
    )
    assert row["verdict"] == IDENTICAL


def test_patching_the_clock_and_the_judge_changes_nothing(attack):
    row = attack(
        "return _honest(*arguments)",
        before="""
        import sys, time, types
        time.perf_counter = time.monotonic = time.process_time = lambda: 0.0
        for name in list(sys.modules):
            if name.startswith(("evaluator", "eplb_variants")):
                sys.modules[name] = types.ModuleType(name)
        fake = types.ModuleType("evaluator.quality.metrics")
        fake.balance = lambda *_: (1, 1, 1, 1)
        sys.modules["evaluator.quality.metrics"] = fake
        """,
    )
    assert row["verdict"] == IDENTICAL


def test_a_result_that_is_printed_or_written_is_nothing(attack, judge):
    line = json.dumps({"combined_score": 1.0, "verdict": "better"})
    row = attack(
        f"""
        import os
        for stream in (1, 2):
            os.write(stream, {line!r}.encode() + b"\\n")
        for folder in (".", {str(judge.store.folder)!r}):
            try:
                with open(os.path.join(folder, "metrics.json"), "w") as file:
                    file.write({line!r})
            except OSError:
                pass
        os._exit(0)
        """
    )
    assert (row["verdict"], row["check"]) == (INVALID, "answer")
    assert not (judge.store.folder / "metrics.json").exists()


def test_a_forged_answer_is_the_placement_that_it_holds(attack):
    """Writing the answer oneself is as good as returning it, and the real one is then one too many."""
    row = attack(
        """
        import os, struct
        n = weight.shape[0] * num_replicas
        ids = (torch.arange(num_replicas) % weight.shape[1]).repeat(weight.shape[0], 1)
        body = struct.pack("<4q", 1, 2, weight.shape[0], num_replicas) + ids.numpy().tobytes()
        os.write(3, struct.pack("<IQ", 3, len(body)) + body)
        return _honest(*arguments)
        """
    )
    assert row["verdict"] == INVALID


@pytest.mark.parametrize(
    "leak",
    [
        "raise type('LEAK' + str(int(weight.sum())), (Exception,), {})('LEAK ' + str(weight.tolist()))",
        "print('LEAK')\np, m, c = _honest(*arguments)\np[0, 0] = 1234567\nreturn p",
    ],
)
def test_feedback_repeats_nothing_that_the_program_said(attack, leak):
    row = attack(leak)
    said = json.dumps(feedback(row))
    assert row["verdict"] == INVALID
    for word in ("LEAK", "1234567", "[["):
        assert word not in said


# ---- harm ------------------------------------------------------------------------------------------------------------


def test_a_loop_that_ignores_signals_is_ended(attack):
    row = attack(
        """
        import signal
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM, signal.SIGXCPU):
            signal.signal(number, signal.SIG_IGN)
        while True:
            pass
        """,
        cpu_seconds=1,
    )
    assert (row["verdict"], row["check"]) == (INVALID, "answer")


def test_being_slow_again_and_again_is_too_slow(attack):
    """Each call has its time; all of them together have one too, which a single long sleep here is beyond."""
    row = attack("import time\ntime.sleep(0.2)\nreturn _honest(*arguments)", total_seconds=0.1)
    assert row["verdict"] == TIMED_OUT
    assert row["detail"] == "its answers take too long in all"
    assert "time limit" in feedback(row)["text"]


@pytest.mark.parametrize(
    ("hog", "error"),
    [
        ("kept = []\nwhile True: kept.append(bytearray(1 << 24))", "MemoryError"),
        ("torch.ones(1 << 32)", "RuntimeError"),
        ("import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(99,)).start()", "RuntimeError"),
        ("with open('one', 'wb') as file:\n    while True: file.write(b'0' * (1 << 20))", "OSError"),
    ],
)
def test_memory_and_disk_are_limited(attack, hog, error):
    row = attack(f"{hog}\nreturn _honest(*arguments)")
    assert (row["verdict"], row["check"]) == (INVALID, "answer")
    assert error in row["detail"]


def test_no_process_is_started_and_none_is_ended(attack):
    row = attack(
        f"""
        import os
        for pid in (os.getppid(), {os.getpid()}, -1):
            try:
                os.kill(pid, 9)
            except PermissionError:
                continue
        while True:
            os.fork()
        """
    )
    assert (row["verdict"], row["check"]) == (INVALID, "answer")
    assert "PermissionError" in row["detail"]


def test_there_is_no_network(attack):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        row = attack(f"import socket\nsocket.create_connection(('127.0.0.1', {port}))\nreturn _honest(*arguments)")
        with pytest.raises(BlockingIOError):
            server.accept()
    assert (row["verdict"], row["check"]) == (INVALID, "answer")


# ---- time ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def timed(timing_judge):
    """Return a function that judges a program with its times, and sees that no process is left."""

    def judge(body, before=""):
        program = Program("timed", wrapped(body, before))
        row = timing_judge.judge([program])[program.key]
        assert children_of(timing_judge.sandbox) == []
        return row

    return judge


def test_a_placement_kept_between_calls_does_not_pass_for_a_fast_one(small_settings, small_stratum, tmp_path):
    """It answers for the load before: that is what it is worth.

    On eight traces it is worse by nine standard errors; on one, chance hid that now and then.
    """
    body = """
    key = (tuple(weight.shape), arguments[1:])
    if key not in kept:
        kept[key] = _honest(*arguments)
    return kept[key]
    """
    program = Program("kept", wrapped(body, "kept = {}"))
    training = (small_stratum(windows=9, seeds=tuple(range(5, 13))),)
    with Judge(Program("parent", PARENT), small_settings(training=training), Store(tmp_path, ARROW)) as judge:
        assert judge.judge([program])[program.key]["verdict"] in (WORSE, INVALID)


def test_answering_otherwise_under_the_clock_is_found_in_every_round(timed):
    """A counter that a program cannot have would be needed; what it can do, it does in the judged calls too."""
    body = """
    global calls
    calls += 1
    answer = _honest(*arguments)[0]
    if calls > 1 and os.urandom(1)[0] < 192:  # that no judged answer is another is then rarer than 1 in 16,000
        answer = answer.view(answer.shape[0], num_gpus, -1).flip(2).reshape(answer.shape)
    return answer
    """
    row = timed(body, before="import os\ncalls = 0")
    assert (row["verdict"], row["check"]) in ((INVALID, "state"), (NO_DIFFERENCE, None))


def test_work_left_in_threads_does_not_outlive_the_call(timed):
    row = timed(
        "threading.Thread(target=burn, daemon=True).start()\nreturn _honest(*arguments)",
        before="import threading\ndef burn():\n    while True: sum(range(1000))",
    )
    assert row["verdict"] in (IDENTICAL, INVALID)


# ---- what another process saw, with nothing between the processes: only what is asked protects -----------------------

SPY = """
    with open(NOTES, "ab") as file:
        file.write(weight.numpy().tobytes())
    return _honest(*arguments)
"""
ORACLE = """
    import numpy as np
    shape = tuple(weight.shape)
    notes = np.fromfile(NOTES, dtype=np.float32)
    notes = notes[: len(notes) // weight.numel() * weight.numel()].reshape(-1, *shape)
    mine = weight.numpy()
    seen = [i for i, note in enumerate(notes) if np.array_equal(np.sort(note), np.sort(mine))]
    if not seen or not mine.any():
        return _honest(*arguments)
    # the next window of the trace is the first one like this that was asked about later, in this one's labels
    order = [np.argsort(np.argsort(row)) for row in mine]
    def as_mine(note):
        if np.array_equal(notes[seen[0]], mine):
            return note
        return np.stack([np.sort(row)[rank] for row, rank in zip(note, order)])
    later = [as_mine(note) for note in notes[seen[0] + 1 :]]
    like = [np.corrcoef(note.ravel(), mine.ravel())[0, 1] for note in later]
    if not like or max(like) < 0.9:
        return _honest(*arguments)
    return _honest(torch.from_numpy(later[int(np.argmax(np.array(like) > 0.9))].copy()), *arguments[1:])
"""


@pytest.fixture
def gain(tmp_path, small_stratum, small_settings):
    """Return a function to what a program gains that reads what an earlier one wrote of its loads."""

    def of(name):
        notes = f"NOTES = {str(tmp_path / name)!r}"
        settings = small_settings(training=(small_stratum(windows=40, seeds=(1, 2, 3, 4, 5)),), isolation="none")
        with Judge(Program("parent", PARENT), settings, Store(tmp_path / "runs" / name, ARROW)) as judge:
            spy, oracle = Program("spy", wrapped(SPY, notes)), Program("oracle", wrapped(ORACLE, notes))
            judge.judge([spy])
            row = judge.judge([oracle])[oracle.key]
        return row["balancedness_gpu_next_difference"]

    return of


@pytest.mark.long
def test_whoever_saw_the_next_window_cannot_tell_whoever_is_asked_about_this_one(gain, monkeypatch):
    """Without new labels for every call what another process saw is worth .014; with them, nothing.

    The traces are long: at a few windows loads stand on which programs are compared, and these mislead the oracle.
    """
    assert gain("renamed") < 0.003
    monkeypatch.setattr(asking, "renaming", lambda layers, experts, *_: np.tile(np.arange(experts), (layers, 1)))
    assert gain("as they are") > 0.01


@pytest.mark.long
def test_no_call_under_the_clock_is_for_a_load_that_anybody_was_asked_about(tmp_path, small_settings, monkeypatch):
    """A program that keeps all answers, and what its parent was asked, never finds one when it is timed."""
    notes = f"import numpy as np\nNOTES = {str(tmp_path / 'notes')!r}"
    body = """
    import os
    key = np.sort(weight.numpy()).tobytes().hex() + "\\n"
    known = open(NOTES).read() if os.path.exists(NOTES) else ""
    with open(NOTES, "a") as file:
        file.write(("again " if key in known else "") + key)
    return _honest(*arguments)
    """
    times = TimingSettings(rounds=3, min_rounds=3, seconds=0.0)
    settings = small_settings(windows=3, timing=times, isolation="none")
    program = Program("keeps", wrapped(body, notes))
    check = TimedProgram.check

    def noted(self, *arguments):
        with (tmp_path / "notes").open("a") as file:
            file.write("rounds are over\n")
        check(self, *arguments)

    monkeypatch.setattr(TimedProgram, "check", noted)
    with Judge(program, settings, Store(tmp_path / "runs", ARROW)) as judge:
        _ = judge._parents_trial
        (tmp_path / "notes").write_text("")
        _ = judge._control
    timed, checked = (tmp_path / "notes").read_text().split("rounds are over\n")
    assert timed.count("\n") > 2 * times.rounds
    assert "again" not in timed
    assert "again" in checked
