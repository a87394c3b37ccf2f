"""The judge's side of the sandbox: starts the zygote, has children forked, asks them, and ends them."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import astuple, dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from eplb_variants import EplbError, Topology
from eplb_variants.errors import printable, unknown
from evaluator.candidates.sandbox import confine, wire
from evaluator.candidates.sandbox.confine import Limits

START_SECONDS = 120.0
"""For the zygote to import torch on a busy machine."""
FORK_SECONDS = 20.0
ISOLATIONS = ("auto", "none")

CRASHED, TIMED_OUT, KILLED, GARBAGE = "crashed", "timed out", "killed", "garbage"
"""How a candidate fails: an exception; no answer in time; ended by a limit or itself; an answer that is none."""


class CandidateFailed(Exception):
    """A candidate did not answer a call.

    Attributes:
        kind: one of the words above.
        error: name of the exception's type, where there was one.
        line: line of the program, where known; 0 otherwise.
        message: what the program said of it. A stranger's words: for people, never for a model.
    """

    def __init__(self, kind: str, error: str = "", line: int = 0, message: str = "") -> None:
        super().__init__(kind, error, line, message)
        self.kind, self.error, self.line, self.message = kind, error, line, message

    def __str__(self) -> str:
        where = f" in line {self.line}" if self.line else ""
        what = f": {self.error}{where}" if self.error else ""
        return f"{self.kind}{what}" + (f": {self.message}" if self.message else "")


@dataclass(frozen=True, eq=False)
class Answer:
    """What a program returned: integers of any shape and value, to be checked; None for what it left out."""

    phy2log: NDArray[np.int64] | None
    log2phy: NDArray[np.int64] | None
    logcnt: NDArray[np.int64] | None


class Sandbox:
    """A zygote and its children; a context manager.

    Args:
        isolation: ``auto`` demands that files and processes are closed off; ``none`` runs candidates as they are.
        limits: of each child.

    Raises:
        EplbError: there is no such isolation, or it is not to be had here.
    """

    def __init__(self, isolation: str = "auto", limits: Limits | None = None) -> None:
        if isolation not in ISOLATIONS:  # a slip of the pen must not run a stranger's program unconfined
            raise unknown("isolation", isolation, ISOLATIONS)
        self.limits = limits or Limits()
        self.isolation = isolation
        self._lock = threading.Lock()
        self._living: dict[int, Worker] = {}
        self._start([])
        try:
            self.layers = self._probe()
            if isolation == "auto" and not confine.is_enough(self.layers):
                self._start_wrapped()
        except BaseException:
            self.close()
            raise

    def _start(self, wrapper: list[str]) -> None:
        """Start the zygote, behind the words of another command where there are any."""
        self._folder = tempfile.mkdtemp(prefix="eplb-sandbox-")
        self._outer = ["bubblewrap"] if wrapper else []
        wrapper = [word.replace("FOLDER", self._folder) for word in wrapper]
        ours, theirs = socket.socketpair()
        self._control = ours
        mode = "isolated" if self.isolation == "auto" else "open"
        zygote = [sys.executable, "-I", "-m", "evaluator.candidates.sandbox.zygote", str(theirs.fileno()), mode]
        self._process = subprocess.Popen(
            [*wrapper, *zygote],
            pass_fds=[theirs.fileno()],
            env=scrubbed_environment(self._folder),
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        ours.settimeout(START_SECONDS)
        if ours.recv(16) != b"ready":
            self.close()
            raise EplbError("the process that candidates are forked from did not start")

    def _start_wrapped(self) -> None:
        """Start over within bubblewrap: the kernel alone does not close enough."""
        found = ", ".join(self.layers) or "nothing"
        if shutil.which("bwrap") is None:
            raise EplbError(
                f"this machine can isolate candidates by {found} only, and seccomp with Landlock or bubblewrap is "
                "needed: install bubblewrap, or use --isolation none for programs that you trust"
            )
        self.close()
        self._start(bubblewrap_command())
        self.layers = self._probe()
        if not confine.is_enough(self.layers):
            raise EplbError("seccomp is needed, and this kernel has none: use --isolation none for trusted programs")

    def _probe(self) -> list[str]:
        worker = self.fork()
        worker.kill()
        return worker.layers

    def fork(self) -> Worker:
        """Return a new child, confined and ready for a program."""
        ours, theirs = socket.socketpair()
        scratch = tempfile.mkdtemp(dir=self._folder)
        limits = self.limits
        numbers = " ".join(map(str, astuple(limits)))
        request = f"spawn\n{scratch}\n{numbers}".encode()
        with self._lock:
            socket.send_fds(self._control, [request], [theirs.fileno()])
            pid = int(self._control.recv(32) or b"0")
        theirs.close()
        if pid <= 0:
            ours.close()
            raise EplbError("a candidate's process could not be forked: no processes or memory are left")
        worker = Worker(self, pid, ours, scratch)
        self._living[pid] = worker
        try:
            kind, content = wire.receive(ours, time.monotonic() + FORK_SECONDS)
        except wire.WireError as error:
            kind, content = wire.ERROR, str(error).encode()
        if kind != wire.LOADED:
            worker.kill()
            raise EplbError(f"a candidate's process could not be confined: {content.decode()}")
        worker.layers = self._outer + (content.decode().split("\n") if content else [])
        return worker

    def load(self, source: str) -> Worker:
        """Return a new child that has loaded a program.

        Raises:
            CandidateFailed: the program does not compile, crashes on import, takes too long, or has no
                ``rebalance_experts``.
        """
        worker = self.fork()
        try:
            worker.load(source)
        except BaseException:
            worker.kill()
            raise
        return worker

    def reap(self, pid: int) -> int:
        """Return the wait status of a child that has ended or was killed."""
        with self._lock:
            if self._living.pop(pid, None) is None:  # the sandbox was closed meanwhile
                return 0
            self._control.sendall(f"reap\n{pid}".encode())
            return int(self._control.recv(32) or b"0")

    def close(self) -> None:
        """End the zygote and all its children."""
        for pid in list(self._living):
            for end in (os.killpg, os.kill):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    end(pid, signal.SIGKILL)
        self._living.clear()
        self._control.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Worker:
    """A child process with one program, asked one window at a time."""

    def __init__(self, sandbox: Sandbox, pid: int, channel: socket.socket, scratch: str) -> None:
        self.layers: list[str] = []
        self._sandbox, self._pid, self._channel, self._scratch = sandbox, pid, channel, scratch
        self._status: int | None = None
        channel.settimeout(sandbox.limits.wall_seconds + 1)

    def load(self, source: str) -> None:
        """Load a program; CandidateFailed where that does not work."""
        self._exchange(wire.LOAD, source.encode(), wire.LOADED)

    def call(self, load_LE: NDArray[np.generic], topology: Topology, seed: int = 0) -> Answer:
        """Return what the program answers for ``load [L, E]``.

        Raises:
            CandidateFailed: it crashed, did not answer in time, or answered with what is no answer.
        """
        return read_answer(self._exchange(wire.CALL, call_bytes(load_LE, topology, seed), wire.RESULT))

    def ask(self, payload: bytes) -> bytes:  # nothing but the exchange: this is what is timed
        """Return the raw answer to a call that was made ready before, as the clock sees it."""
        return self._exchange(wire.CALL, payload, wire.RESULT)

    def pause(self) -> None:
        """Stop all that the process does, threads that it left running too."""
        os.kill(self._pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let a paused process go on."""
        os.kill(self._pid, signal.SIGCONT)

    def _exchange(self, kind: int, payload: bytes, expected: int) -> bytes:
        deadline = time.monotonic() + self._sandbox.limits.wall_seconds
        try:
            wire.send(self._channel, kind, payload)
            answered, content = wire.receive(self._channel, deadline)
        except wire.Late:
            self.kill()
            raise CandidateFailed(TIMED_OUT) from None
        except wire.Closed:
            raise CandidateFailed(KILLED, message=self._how_it_ended()) from None
        except wire.WireError as error:
            self.kill()
            raise CandidateFailed(GARBAGE, message=str(error)) from None
        if answered == wire.ERROR:
            raise _failure(content)
        if answered != expected:
            raise CandidateFailed(GARBAGE, message="a message out of turn")
        return content

    def _how_it_ended(self) -> str:
        self.kill()
        status = self._status or 0
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            if number == signal.SIGXCPU:
                return "it used up its CPU time"
            return f"ended by {signal.Signals(number).name}"
        return f"exited with {os.waitstatus_to_exitcode(status)}"

    def kill(self) -> None:
        """End the process and everything it started; once is enough."""
        if self._status is not None:
            return
        for end in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                end(self._pid, signal.SIGKILL)
        self._channel.close()
        self._status = self._sandbox.reap(self._pid)
        shutil.rmtree(self._scratch, ignore_errors=True)


def call_bytes(load_LE: NDArray[np.generic], topology: Topology, seed: int = 0) -> bytes:
    """Return a call of ``rebalance_experts`` as it goes over the channel; loads become float32, as engines do it."""
    call = wire.Call(
        np.asarray(load_LE, dtype=np.float32),
        topology.num_slots,
        topology.num_groups,
        topology.num_nodes,
        topology.num_gpus,
        seed,
    )
    return wire.pack_call(call)


def read_answer(payload: bytes) -> Answer:
    """Return the arrays in a raw answer; CandidateFailed where it holds none."""
    try:
        arrays = wire.unpack_arrays(payload)
    except wire.WireError as error:
        raise CandidateFailed(GARBAGE, message=str(error)) from None
    return Answer(*(arrays + [None] * 3)[:3])


def _failure(content: bytes) -> CandidateFailed:
    error, line, message = [*content.decode("utf-8", "replace").split("\n", 2), "", "", ""][:3]
    number = int(line) if re.fullmatch(r"[0-9]{1,7}", line) else 0
    return CandidateFailed(CRASHED, printable(error[:80]), number, printable(message[:500]))


def bubblewrap_command() -> list[str]:
    """Return the words before a command that show it no files but what candidates may read, and no network.

    ``FOLDER`` stands for the folder that it may write to.
    """
    package = str(Path(__file__).parents[2])
    shown = [path for path in (*confine.readable_paths(), package) if path not in confine.DEVICES]
    words = ["bwrap", "--unshare-user", "--unshare-ipc", "--unshare-net", "--unshare-uts", "--die-with-parent"]
    words += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    for path in shown:
        words += ["--ro-bind", path, path]
    for link in ("/lib", "/lib64"):
        if Path(link).is_symlink():
            words += ["--symlink", str(Path(link).readlink()), link]
    return [*words, "--bind", "FOLDER", "FOLDER", "--"]


def scrubbed_environment(home: str) -> dict[str, str]:
    """Return all that a candidate's process knows of its surroundings: no keys, no paths, one thread."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": home,
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
