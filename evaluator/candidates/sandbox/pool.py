"""The judge's side of the sandbox: starts the zygote, has children forked, and ends them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import astuple
from types import TracebackType

from eplb_variants import EplbError
from eplb_variants.errors import unknown
from evaluator.candidates.sandbox import confine, wire
from evaluator.candidates.sandbox.launch import bubblewrap_command, scrubbed_environment, zygote_command
from evaluator.candidates.sandbox.limits import Limits
from evaluator.candidates.sandbox.worker import Worker

START_SECONDS = 120.0
"""For the zygote to import torch on a busy machine."""
FORK_SECONDS = 20.0
ISOLATIONS = ("auto", "none")


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
        zygote = zygote_command(theirs.fileno(), isolated=self.isolation == "auto")
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
