"""Programs that cheat or do harm: each ends invalid, or scored at no more than its honest worth.

After every attack an honest program is judged again and must get what it got before. The suite runs as it is for an
ordinary user; where it is started by root, it is run once more as nobody.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from evaluator.candidates.checks import Invalid
from evaluator.candidates.feedback import feedback
from evaluator.candidates.judge import ParentUnusable
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.confine import Limits
from evaluator.candidates.sandbox.pool import Sandbox
from evaluator.candidates.schema import IDENTICAL, INVALID, TIMED_OUT, WORSE

ROOT = Path(__file__).parents[3]
NAME, WRAPPED = "rebalance_experts", "_honest"
VALUES = ("verdict", "balancedness_gpu_next", "balancedness_gpu_own", "score", "moved_slots")


@pytest.fixture(scope="session")
def parent_source(judge):
    return judge.parent.source


@pytest.fixture(scope="session")
def honest(judge):
    """Return a function that judges the parent's twin, under a new key each time."""
    count = iter(range(10_000))

    def again():
        program = Program("honest", judge.parent.source + f"\n# {next(count)}\n")
        row = judge.judge([program])[program.key]
        return {name: row[name] for name in VALUES}

    first = again()
    assert first["verdict"] == IDENTICAL
    return lambda: (first, again())


@pytest.fixture
def attack(verdict, honest, parent_source):
    """Return a function that judges the parent with code around it, then sees that nothing is left of it."""

    def attack(body, *, before=""):
        source = parent_source.replace(f"def {NAME}(", f"def {WRAPPED}(")
        source += textwrap.dedent(before)
        source += f"\n\ndef {NAME}(weight, num_replicas, num_groups, num_nodes, num_gpus):\n"
        source += "    arguments = (weight, num_replicas, num_groups, num_nodes, num_gpus)\n"
        source += textwrap.indent(textwrap.dedent(body), "    ")
        row = verdict(source)
        first, after = honest()
        assert after == first, "the attack changed what an honest program gets"
        if row["verdict"] not in (INVALID, TIMED_OUT):
            assert row["score"] <= first["score"] + 1e-12, "the attack was worth it"
        return row

    return attack


# ---- answers that are none -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "check"),
    [
        ("p, m, c = _honest(*arguments)\nreturn p, m, c + 1", "logcnt"),
        ("p, m, c = _honest(*arguments)\nc[0, 0] += 5\nreturn p, m, c", "logcnt"),
        ("p, m, c = _honest(*arguments)\np[p == 3] = 4\nreturn p", "phy2log"),
        ("p, m, c = _honest(*arguments)\nm[:, 0] = m[:, 1]\nreturn p, m, c", "log2phy"),
        ("p, m, c = _honest(*arguments)\nreturn p, torch.flip(m, [2]), c", "log2phy"),
        ("p, m, c = _honest(*arguments)\nreturn torch.full_like(p, 10**15)", "phy2log"),
        ("p, m, c = _honest(*arguments)\np[0, 0] = -1\nreturn p", "phy2log"),
        ("p, m, c = _honest(*arguments)\nreturn p[:, :-1]", "phy2log"),
        ("p, m, c = _honest(*arguments)\nreturn torch.cat([p, p], dim=1)", "phy2log"),
        ("p, m, c = _honest(*arguments)\nreturn p.double()", "answer"),
        ("p, m, c = _honest(*arguments)\nreturn p.double() + 0.3", "answer"),
        ("return 'phy2log'", "answer"),
        ("return None", "phy2log"),
        ("return ()", "phy2log"),
        ("return torch.zeros(3, dtype=torch.int64)", "phy2log"),
        ("raise ValueError('no')", "answer"),
        ("raise SystemExit(0)", "answer"),
        ("raise KeyboardInterrupt", "answer"),
        ("return torch.arange(num_replicas).remainder(weight.shape[1]).repeat(weight.shape[0], 1)", "locality"),
    ],
)
def test_an_answer_that_is_no_placement_is_invalid(attack, body, check):
    row = attack(body)
    assert (row["verdict"], row["check"]) == (INVALID, check)


@pytest.mark.parametrize(
    "source",
    ["", "x = (", "rebalance_experts = 3", "raise RuntimeError", "import not_a_package", "while True: pass"],
)
def test_a_program_that_does_not_load_is_invalid(verdict, source):
    row = verdict(source)
    assert row["verdict"] == (TIMED_OUT if source.startswith("while") else INVALID)
    assert row["check_load"] == "loading the program"


# ---- looking where nothing is to be seen -----------------------------------------------------------------------------


def test_the_next_window_is_not_in_the_process(attack, judge):
    """The callers' frames, every object of the interpreter and every array hold one window at most."""
    wanted = judge.windows.astype(np.float32)[1:, 0, :4].tolist()
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


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "workload.npz"
    path.write_bytes(b"secret loads")
    path.chmod(0o644)
    return path


@pytest.mark.parametrize(
    "read",
    [
        "open({path!r}).read()",
        "os.open({path!r}, os.O_RDONLY)",
        "os.listdir({folder!r})",
        "os.link({path!r}, 'here')",
        "os.rename({path!r}, 'here')",
        "os.symlink({path!r}, 'here'); open('here').read()",
        "numpy.load({path!r})",
        "numpy.memmap({path!r})",
    ],
)
def test_workload_files_cannot_be_read(attack, secret, read):
    call = read.format(path=str(secret), folder=str(secret.parent))
    row = attack(f"import os, numpy\n{call}\nreturn _honest(*arguments)")
    assert (row["verdict"], row["check"]) == (INVALID, "answer")
    assert "PermissionError" in row["detail"] or "Error" in row["detail"]
    assert secret.read_bytes() == b"secret loads"


@pytest.mark.parametrize("what", ["/proc/1/environ", "/proc/self/environ", "/etc/passwd", "/proc/self/mem"])
def test_the_machine_cannot_be_looked_at(attack, what):
    assert attack(f"open({what!r}, 'rb').read(10)\nreturn _honest(*arguments)")["verdict"] == INVALID


def test_the_environment_holds_no_keys(attack, monkeypatch):
    row = attack(
        """
        import os
        allowed = {"PATH", "HOME", "LANG", "LC_CTYPE", "PYTHONDONTWRITEBYTECODE"}
        more = {name for name in os.environ if name not in allowed and not name.endswith("_NUM_THREADS")}
        assert not more, "the environment was not scrubbed"
        return _honest(*arguments)
        """
    )
    assert row["verdict"] == IDENTICAL


# ---- changing what others see ----------------------------------------------------------------------------------------


def test_changing_the_input_in_place_changes_nothing(attack):
    row = attack("answer = _honest(*arguments)\nweight.zero_()\nweight += 1\nreturn answer")
    assert row["verdict"] == IDENTICAL


def test_changing_every_array_in_reach_changes_nothing(attack):
    row = attack(
        """
        import gc, numpy
        answer = [a.clone() for a in _honest(*arguments)]
        for o in gc.get_objects():
            if isinstance(o, numpy.ndarray) and o.dtype == numpy.float32 and o.size and o.flags.writeable:
                o[...] = 1
        return tuple(answer)
        """
    )
    assert row["verdict"] in (IDENTICAL, INVALID)


def test_patching_the_clock_and_the_judge_changes_nothing(attack):
    row = attack(
        "return _honest(*arguments)",
        before="""
        import sys, time, types
        time.perf_counter = time.monotonic = time.process_time = lambda: 0.0
        for name in list(sys.modules):
            if name.startswith(("evaluator", "eplb_variants")):
                sys.modules[name] = types.ModuleType(name)
        fake = types.ModuleType("evaluator.metrics")
        fake.balance = lambda *_: (1, 1, 1, 1)
        sys.modules["evaluator.metrics"] = fake
        """,
    )
    assert row["verdict"] == IDENTICAL


def test_a_printed_result_is_nothing(attack):
    line = json.dumps({"combined_score": 1.0, "verdict": "better"})
    row = attack(
        f"""
        import os, sys
        for stream in (1, 2):
            os.write(stream, {line!r}.encode() + b"\\n")
        print({line!r})
        sys.stdout.flush()
        os._exit(0)
        """
    )
    assert (row["verdict"], row["check"]) == (INVALID, "answer")


def test_a_result_file_is_nothing(attack, judge):
    row = attack(
        f"""
        import os
        for folder in (".", {str(judge.store.folder)!r}):
            try:
                with open(os.path.join(folder, "metrics.json"), "w") as file:
                    file.write('{{"combined_score": 1.0}}')
            except OSError:
                pass
        os._exit(0)
        """
    )
    assert row["verdict"] == INVALID
    assert not (judge.store.folder / "metrics.json").exists()


@pytest.mark.parametrize(
    "forged",
    [
        "struct.pack('<IQ', 3, 1 << 60)",
        "struct.pack('<IQ', 3, 8) + struct.pack('<q', 3)",
        "struct.pack('<IQ', 3, 32) + struct.pack('<4q', 1, 2, 1 << 40, 1 << 40)",
        "struct.pack('<IQ', 77, 0)",
        "struct.pack('<IQ', 4, 1 << 27)",
        "struct.pack('<IQ', 4, 6) + 'X\\n²\\nm'.encode()",
        "struct.pack('<IQ', 4, 5006) + b'X\\n' + b'9' * 5000 + b'\\nmore'",
        "b'\\0' * 5",
    ],
)
def test_a_forged_message_is_no_answer(attack, forged):
    row = attack(f"import os, struct\nos.write(3, {forged})\nreturn _honest(*arguments)")
    assert row["verdict"] in (INVALID, TIMED_OUT)


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


# ---- time ------------------------------------------------------------------------------------------------------------


def timed(judge, source):
    program = Program("timed", source)
    return judge.judge([program])[program.key]


def test_a_placement_kept_between_calls_does_not_pass_for_a_fast_one(timing_judge):
    source = timing_judge.parent.source.replace(f"def {NAME}(", f"def {WRAPPED}(")
    source += f"""
kept = {{}}

def {NAME}(*arguments):
    key = (tuple(arguments[0].shape), arguments[1:])
    if key not in kept:
        kept[key] = {WRAPPED}(*arguments)
    return kept[key]
"""
    row = timed(timing_judge, source)
    assert row["verdict"] in (WORSE, INVALID), "it answers for the load before: that is what it is worth"


def test_answering_otherwise_under_the_clock_is_found_in_every_round(timing_judge):
    """A counter that a program cannot have would be needed; what it can do, it does in the judged calls too."""
    source = timing_judge.parent.source.replace(f"def {NAME}(", f"def {WRAPPED}(")
    source += f"""
import os
calls = 0

def {NAME}(*arguments):
    global calls
    calls += 1
    answer = {WRAPPED}(*arguments)[0]
    if calls == 2 and os.urandom(1)[0] < 128:
        answer = answer.view(answer.shape[0], arguments[-1], -1).flip(2).reshape(answer.shape)
    return answer
"""
    row = timed(timing_judge, source)
    assert (row["verdict"], row["check"]) in ((INVALID, "state"), ("no difference", None))


def test_the_parents_failure_is_not_the_candidates(timing_judge, monkeypatch):
    def broken(round_number):
        raise Invalid("answer", "the workload", "parent broke")

    with pytest.raises(ParentUnusable, match="parent broke"):
        timing_judge._unfailing(broken)(0)


def test_honest_programs_are_timed(timing_judge):
    row = timed(timing_judge, timing_judge.parent.source + "\n# the same")
    assert row["verdict"] == IDENTICAL
    assert row["timing_rounds"] == 3
    assert row["time_ratio"] > 0
    again = timed(timing_judge, timing_judge.parent.source + "\n# the same")
    assert again["measured_at"] == row["measured_at"], "judged before: read, not judged again"


def test_work_left_in_threads_does_not_outlive_the_call(timing_judge):
    source = timing_judge.parent.source.replace(f"def {NAME}(", f"def {WRAPPED}(")
    source += f"""
import threading

def burn():
    while True:
        sum(range(1000))

def {NAME}(*arguments):
    threading.Thread(target=burn, daemon=True).start()
    return {WRAPPED}(*arguments)
"""
    row = timed(timing_judge, source)
    assert row["verdict"] in (IDENTICAL, INVALID, TIMED_OUT)
    assert children_of(timing_judge.sandbox) == []


def test_a_lazy_tensor_is_made_real_before_the_clock_stops(attack):
    row = attack(
        """
        class Lazy(torch.Tensor):
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                return super().__torch_function__(func, types, args, kwargs or {})
        return _honest(*arguments)[0].as_subclass(Lazy)
        """
    )
    assert row["verdict"] == IDENTICAL


# ---- harm ------------------------------------------------------------------------------------------------------------


def children_of(sandbox: Sandbox):
    """Return the processes whose parent is the sandbox's zygote."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == sandbox._process.pid and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def test_an_infinite_loop_that_ignores_signals_is_ended(attack, judge):
    started = time.monotonic()
    row = attack(
        """
        import signal
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM, signal.SIGXCPU):
            signal.signal(number, signal.SIG_IGN)
        while True:
            pass
        """
    )
    assert row["verdict"] == TIMED_OUT
    assert time.monotonic() - started < 60
    assert children_of(judge.sandbox) == []


def test_a_process_ends_with_the_judge_whatever_it_does(parent_source):
    """It may not ask to outlive its parent, and a sandbox that is closed leaves nobody behind."""
    clear = "import ctypes\nif ctypes.CDLL(None).prctl(1, 0, 0, 0, 0) == 0:\n    raise SystemExit\n"
    with Sandbox(limits=Limits(wall_seconds=5)) as sandbox:
        worker = sandbox.load(clear + parent_source)
        pid = worker._pid
        assert Path(f"/proc/{pid}").exists()
        worker._channel.close()
        zygote = sandbox._process
        os.kill(zygote.pid, signal.SIGKILL)
        zygote.wait()
        for _ in range(100):
            if not Path(f"/proc/{pid}").exists():
                break
            time.sleep(0.05)
        assert not Path(f"/proc/{pid}").exists()


def test_closing_ends_processes_that_are_stopped(parent_source):
    sandbox = Sandbox(limits=Limits(wall_seconds=5))
    worker = sandbox.load(parent_source)
    worker.pause()
    sandbox.close()
    worker.kill()
    for _ in range(100):
        if not Path(f"/proc/{worker._pid}").exists():
            break
        time.sleep(0.05)
    assert not Path(f"/proc/{worker._pid}").exists()


def test_being_slow_again_and_again_is_too_slow(judge, parent_source):
    slow = parent_source.replace(
        "    weight = weight.float().cpu()\n", "    import time; time.sleep(0.4)\n    weight = weight.float()\n"
    )
    before = judge.sandbox.limits
    judge.sandbox.limits = dataclasses.replace(before, total_seconds=1.0)
    try:
        row = timed(judge, slow)
    finally:
        judge.sandbox.limits = before
    assert row["verdict"] == TIMED_OUT
    assert "too long in all" in row["detail"]


def test_sleeping_is_no_way_out(attack):
    assert attack("import time\ntime.sleep(1000)")["verdict"] == TIMED_OUT


def test_cpu_time_is_limited_across_threads(attack):
    row = attack(
        """
        import threading
        def burn():
            while True:
                torch.ones(2000).sort()
        for _ in range(8):
            threading.Thread(target=burn, daemon=True).start()
        burn()
        """
    )
    assert row["verdict"] in (INVALID, TIMED_OUT)


@pytest.mark.parametrize(
    "hog",
    [
        "kept = []\nwhile True: kept.append(bytearray(1 << 24))",
        "torch.ones(1 << 32)",
        "import mmap\nkept = []\nwhile True: kept.append(mmap.mmap(-1, 1 << 26)); kept[-1][:] = b'1' * (1 << 26)",
        "import os\nos.memfd_create('x')",
        "kept = []\nwhile True: kept.append(open(f'file{len(kept)}', 'wb')); kept[-1].write(b'0' * (1 << 20))",
        "with open('one', 'wb') as file:\n    while True: file.write(b'0' * (1 << 20))",
    ],
)
def test_memory_and_disk_are_limited(attack, hog):
    row = attack(f"{hog}\nreturn _honest(*arguments)")
    assert (row["verdict"], row["check"]) == (INVALID, "answer")


@pytest.mark.parametrize(
    "spawn",
    [
        "import os\nwhile True: os.fork()",
        "import os\nif os.fork() == 0:\n    os.setsid()\n    while True: pass",
        "import subprocess\nsubprocess.Popen(['sleep', '1000'])",
        "import os\nos.posix_spawn('/bin/sleep', ['sleep', '1000'], {})",
        "import os\nos.system('sleep 1000 &') and 1 / 0",
        "import os\nos.execv('/bin/true', ['true'])",
        "import multiprocessing\nmultiprocessing.Process(target=print).start()",
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(99,), daemon=True).start()",
    ],
)
def test_no_process_is_started_or_left_behind(attack, judge, spawn):
    row = attack(f"{spawn}\nreturn _honest(*arguments)")
    assert row["verdict"] in (INVALID, TIMED_OUT)
    assert children_of(judge.sandbox) == []


@pytest.mark.parametrize(
    "connect",
    [
        "socket.create_connection(('127.0.0.1', {port}), timeout=2)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {port}))",
        "socket.socket(socket.AF_UNIX).connect('\\0somewhere')",
        "socket.create_server(('127.0.0.1', 0))",
        "socket.getaddrinfo('localhost', 80); socket.socket(socket.AF_INET6)",
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'LEAK', '/tmp/anywhere')",
        "socket.socket(fileno=3).sendto(b'x', '/tmp/anywhere')",
        "socket.socket(fileno=3).sendmsg([b'x'])",
    ],
)
def test_there_is_no_network(attack, connect):
    reached = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]

        def listen():
            try:
                reached.append(server.accept())
            except OSError:
                return

        row = attack(f"import socket\n{connect.format(port=port)}\nreturn _honest(*arguments)")
        thread = threading.Thread(target=listen)
        thread.start()
        thread.join()
    assert row["verdict"] == INVALID
    assert not reached


@pytest.mark.parametrize(
    "write",
    [
        "open(os.path.expanduser('~/eplb-was-here'), 'w')",
        "open({home!r} + '/eplb-was-here', 'w')",
        "open('/tmp/eplb-was-here', 'w')",
        "os.mkdir('/tmp/eplb-was-here')",
        "open('../eplb-was-here', 'w')",
        "open('/dev/shm/eplb-was-here', 'w')",
    ],
)
def test_nothing_is_written_outside_the_scratch_folder(attack, write):
    home = str(Path.home())
    row = attack(f"import os\n{write.format(home=home)}\nreturn _honest(*arguments)")
    assert row["verdict"] == INVALID
    for folder in (home, "/tmp", "/dev/shm"):
        assert not (Path(folder) / "eplb-was-here").exists()


@pytest.fixture
def victim(tmp_path):
    path = tmp_path / "victim"
    path.write_text("untouched")
    path.chmod(0o600)
    os.utime(path, (1, 1))
    return path


@pytest.mark.parametrize(
    "change",
    [
        "os.chmod({path!r}, 0o777)",
        "os.chmod({folder!r}, 0o777)",
        "os.chown({path!r}, os.getuid(), os.getgid())",
        "os.utime({path!r}, (2, 2))",
        "os.setxattr({path!r}, 'user.k', b'a window')",
        "os.getxattr({path!r}, 'user.k')",
        "os.listxattr({path!r})",
        "os.truncate({path!r}, 0)",
        "os.unlink({path!r})",
        "os.rename({path!r}, {path!r} + '2')",
        "os.chmod(sys.executable, 0o755)",
        "os.utime(torch.__file__)",
    ],
)
def test_nothing_is_changed_by_its_attributes_or_kept_in_them(attack, victim, change):
    """What a process could write where a later one can read it would be a way to the windows before."""
    before = os.stat(victim), os.stat(victim.parent).st_mode
    row = attack(
        f"import os, sys\n{change.format(path=str(victim), folder=str(victim.parent))}\nreturn _honest(*arguments)"
    )
    assert row["verdict"] == INVALID
    assert (os.stat(victim), os.stat(victim.parent).st_mode) == before
    assert victim.read_text() == "untouched"


def test_the_scratch_folder_can_be_used_and_is_gone_afterwards(attack, judge):
    row = attack(
        """
        with open("note", "w") as file:
            file.write("x")
        assert open("note").read() == "x"
        return _honest(*arguments)
        """
    )
    assert row["verdict"] in (IDENTICAL,)
    assert list(Path(judge.sandbox._folder).iterdir()) == []


@pytest.mark.parametrize(
    "kill",
    [
        "os.kill(os.getppid(), signal.SIGKILL)",
        "os.kill({pid}, signal.SIGKILL)",
        "os.kill(-1, signal.SIGKILL)",
        "os.killpg(os.getpgid(os.getppid()), signal.SIGKILL)",
        "signal.pidfd_send_signal(os.pidfd_open({pid}), signal.SIGKILL)",
        "resource.prlimit({pid}, resource.RLIMIT_CPU, (1, 1))",
        "os.setpriority(os.PRIO_PROCESS, {pid}, 19)",
        "os.sched_setaffinity({pid}, {{0}})",
    ],
)
def test_other_processes_are_out_of_reach(attack, kill):
    call = kill.format(pid=os.getpid())
    row = attack(f"import os, resource, signal\n{call}\nreturn _honest(*arguments)")
    assert row["verdict"] == INVALID


# ---- what is said back -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "leak",
    [
        "raise ValueError('LEAK ' + str(weight.tolist()))",
        "raise type('LEAK', (Exception,), {})(str(weight.tolist()))",
        "raise type('LEAK' + str(int(weight.sum())), (Exception,), {})",
        "p, m, c = _honest(*arguments)\np[0, 0] = 1234567\nreturn p",
        "p, m, c = _honest(*arguments)\nc[0, 0] = 1234567\nreturn p, m, c",
        "print('LEAK')\nreturn torch.zeros(12, 34, 56, dtype=torch.int64)",
    ],
)
def test_feedback_repeats_nothing_that_the_program_said(attack, leak):
    row = attack(leak)
    said = json.dumps(feedback(row))
    assert row["verdict"] == INVALID
    for word in ("LEAK", "1234567", "[[", "weight", "12, 34"):
        assert word not in said
    assert feedback(row)["check"] == row["check"]


def test_feedback_names_what_helps(attack):
    assert "it raised ZeroDivisionError" in feedback(attack("return 1 / 0"))["text"]
    assert "time limit" in feedback(attack("while True: pass"))["text"]
    told = feedback(attack("return _honest(*arguments)"))
    assert "no effect" in told["text"]
    assert told["metrics"]["balancedness_gpu_next"]["difference"] == 0


# ---- as an ordinary user ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.getuid() != 0, reason="the suite already runs as an ordinary user")
def test_the_suite_passes_as_nobody_too(tmp_path_factory):
    """The same tests, run by an interpreter that nobody may execute, as user 65534."""
    nobody = 65534
    version = f"python3.{sys.version_info.minor}"
    base = next((p for p in (os.path.realpath(sys.executable), f"/usr/bin/{version}") if runs_as(p, nobody)), None)
    if base is None:
        pytest.skip(f"no {version} that user {nobody} may execute")
    folder = Path("/tmp") / f"eplb-nobody-{os.getpid()}"
    try:
        subprocess.run([base, "-m", "venv", "--without-pip", str(folder / "env")], check=True)
        site = folder / "env" / "lib" / version / "site-packages"
        shutil.copytree(
            sysconfig.get_paths()["purelib"], folder / "site-packages", symlinks=True, copy_function=os.link
        )
        for part in ("evaluator", "eplb_variants", "tests"):
            shutil.copytree(ROOT / part, folder / "project" / part)
        shutil.copytree(ROOT / "conf", folder / "project" / "evaluator" / "conf")
        shutil.copytree(ROOT / "conf" / "variant", folder / "project" / "eplb_variants" / "catalogue")
        shutil.copytree(ROOT / "examples", folder / "project" / "evaluator" / "examples")
        shutil.copy(ROOT / "pyproject.toml", folder / "project")
        (site / "paths.pth").write_text(f"{folder / 'project'}\n{folder / 'site-packages'}\n")
        os.chmod(folder, 0o755)
        command = [str(folder / "env" / "bin" / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-x"]
        done = subprocess.run(
            [*command, "tests/evaluator/candidates/test_attacks.py"],
            cwd=folder / "project",
            user=nobody,
            group=nobody,
            extra_groups=[],
            env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
        assert " passed" in done.stdout
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def runs_as(interpreter, user):
    try:
        return (
            subprocess.run([interpreter, "-c", ""], user=user, group=user, extra_groups=[], check=False).returncode == 0
        )
    except OSError:
        return False
