"""Programs that look where they must not, or do harm: the kernel refuses, and nothing is left of them.

After every attack an honest program is judged again and must get what it got before. These tests run as they are for
an ordinary user; where they are started by root, they are run once more as nobody.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from evaluator.candidates.judging.schema import IDENTICAL, INVALID, TIMED_OUT
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.confine import Limits
from evaluator.candidates.sandbox.pool import Sandbox

from ..conftest import NAME, WRAPPED

ROOT = Path(__file__).parents[4]

# ---- looking where nothing is to be seen -----------------------------------------------------------------------------


def test_the_next_window_is_not_in_the_process(attack, short_judge):
    """The callers' frames, every object of the interpreter and every array hold one window at most."""
    wanted = short_judge.windows.astype(np.float32)[1:, 0, :4].tolist()
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
    program = Program("threads", source)
    row = timing_judge.judge([program])[program.key]
    assert row["verdict"] in (IDENTICAL, INVALID, TIMED_OUT)
    assert children_of(timing_judge.sandbox) == []


def ends(pid):
    """Return whether a process is gone within five seconds."""
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.05)
    return not Path(f"/proc/{pid}").exists()


def test_an_infinite_loop_that_ignores_signals_is_ended(attack, short_judge):
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
    assert children_of(short_judge.sandbox) == []


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
        assert ends(pid)


def test_closing_ends_processes_that_are_stopped(parent_source):
    sandbox = Sandbox(limits=Limits(wall_seconds=5))
    worker = sandbox.load(parent_source)
    worker.pause()
    sandbox.close()
    worker.kill()
    assert ends(worker._pid)


def test_being_slow_again_and_again_is_too_slow(short_judge, parent_source):
    slow = parent_source.replace(
        "    weight = weight.float().cpu()\n", "    import time; time.sleep(0.4)\n    weight = weight.float()\n"
    )
    before = short_judge.sandbox.limits
    short_judge.sandbox.limits = dataclasses.replace(before, total_seconds=1.0)
    try:
        program = Program("slow", slow)
        row = short_judge.judge([program])[program.key]
    finally:
        short_judge.sandbox.limits = before
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
def test_no_process_is_started_or_left_behind(attack, short_judge, spawn):
    row = attack(f"{spawn}\nreturn _honest(*arguments)")
    assert row["verdict"] in (INVALID, TIMED_OUT)
    assert children_of(short_judge.sandbox) == []


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


def test_the_scratch_folder_can_be_used_and_is_gone_afterwards(attack, short_judge):
    row = attack(
        """
        with open("note", "w") as file:
            file.write("x")
        assert open("note").read() == "x"
        return _honest(*arguments)
        """
    )
    assert row["verdict"] in (IDENTICAL,)
    assert list(Path(short_judge.sandbox._folder).iterdir()) == []


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


# ---- as an ordinary user ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.getuid() != 0, reason="the suite already runs as an ordinary user")
def test_they_pass_as_nobody_too(tmp_path_factory):
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
            [*command, "tests/evaluator/candidates/test_confinement.py"],
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
