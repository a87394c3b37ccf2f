"""The judge's side of the sandbox: starts the zygote, has children forked, and ends them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from types import TracebackType

import numpy as np

from eplb_variants import EplbError
from eplb_variants.errors import unknown
from evaluator.candidates.sandbox import confine, wire
from evaluator.candidates.sandbox.ended import SIZE, read_ended
from evaluator.candidates.sandbox.failure import TIMED_OUT, CandidateFailed
from evaluator.candidates.sandbox.launch import (
    CONFINED,
    OPEN,
    ROOTED,
    bubblewrap_command,
    scrubbed_environment,
    zygote_command,
)
from evaluator.candidates.sandbox.limits import Limits
from evaluator.candidates.sandbox.process import Process
from evaluator.candidates.sandbox.worker import Worker

START_SECONDS = FORK_SECONDS = 120.0
"""For the zygote to import torch, and for a child to be confined: our own code, on however busy a machine."""
ISOLATIONS = ("auto", "none")


FOLDER = "eplb-sandbox-"
"""What the names of the folders of sandboxes begin with."""
YOUNG_SECONDS = 60.0
"""A folder that is younger may not be held yet."""


def _clear_left_over() -> None:
    """Remove the folders of this user's that nobody holds: their processes were killed."""
    for path in Path(tempfile.gettempdir()).glob(f"{FOLDER}*"):
        with contextlib.suppress(OSError):
            found = path.stat()
            if found.st_uid != os.getuid() or time.time() - found.st_mtime < YOUNG_SECONDS:
                continue
            held = _held(path)
            shutil.rmtree(path, ignore_errors=True)
            os.close(held)


def _held(folder: str | Path) -> int:
    """Hold a folder, and return the descriptor that does; OSError where somebody else holds it, wherever they run."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


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
        self._lock, self._sibling_lock = threading.Lock(), threading.Lock()
        self._living: dict[int, Worker] = {}
        self._sibling: Sandbox | None = None
        if isolation == "none":
            self._start_or_say_why(OPEN)
            self.layers = self._probe()
            return
        if self._start(ROOTED):
            self._start_or_say_why(CONFINED)
        self.layers = self._probe()
        if not confine.is_enough(self.layers):
            self._start_wrapped()

    @property
    def sibling(self) -> Sandbox:
        """Another sandbox alike, started when it is first asked for and closed with this one.

        All children of a zygote have what its interpreter drew when it started: how texts are hashed and where memory
        lies. The sibling's drew otherwise.

        Raises:
            EplbError: it does not start.
        """
        with self._sibling_lock:
            if self._sibling is None:
                self._sibling = Sandbox(self.isolation, self.limits)
            self._sibling.limits = self.limits
            return self._sibling

    def drawn(self, draw: np.random.Generator) -> Sandbox:
        """Return this sandbox or its sibling, either as likely: a process that comes from it may differ by that."""
        return self.sibling if draw.integers(2) else self

    def _start(self, mode: str, wrapper: Sequence[str] = ()) -> str:
        """Start the zygote, behind the words of another command if there are any; return what was refused, if any."""
        _clear_left_over()
        self._folder = tempfile.mkdtemp(prefix=FOLDER)
        self._hold: int | None = _held(self._folder)
        self._mode, self._outer = mode, [confine.BUBBLEWRAP] if wrapper else []
        ours, theirs = socket.socketpair()
        self._control = ours
        try:
            self._process = subprocess.Popen(
                [*(word.replace("FOLDER", self._folder) for word in wrapper), *zygote_command(theirs.fileno(), mode)],
                pass_fds=[theirs.fileno()],
                env=scrubbed_environment(self._folder),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:  # an interpreter in a folder that is closed to this user
            theirs.close()
            ours.close()
            self._let_go()
            raise EplbError(
                f"the process that candidates are forked from cannot be started: {error.filename!r}: {error.strerror}"
            ) from None
        theirs.close()
        ours.settimeout(START_SECONDS)
        self.zygote: Process | None = None
        try:
            said, self.zygote = self._told_of()
        except OSError as error:
            said = str(error)
        if self.zygote is not None:
            return ""
        self.close()
        return said or "it ended"

    def _start_or_say_why(self, mode: str, wrapper: Sequence[str] = ()) -> None:
        refused = self._start(mode, wrapper)
        if refused:
            raise EplbError(f"the process that candidates are forked from did not start: {refused}")

    def _start_wrapped(self) -> None:
        """Start over within bubblewrap: the kernel alone does not close enough."""
        found = ", ".join(self.layers) or "nothing"
        self.close()
        if shutil.which("bwrap") is None:
            raise EplbError(
                f"this machine can isolate candidates by {found} only, and seccomp with Landlock or bubblewrap is "
                "needed: install bubblewrap, or use --isolation none for programs that you trust"
            )
        self._start_or_say_why(CONFINED, bubblewrap_command())
        self.layers = self._probe()
        if not confine.is_enough(self.layers):
            self.close()
            raise EplbError("seccomp is needed, and this kernel has none: use --isolation none for trusted programs")

    def _probe(self) -> list[str]:
        try:
            worker = self.fork()
        except BaseException as error:
            self.close()
            if isinstance(error, CandidateFailed):
                raise EplbError(error.message) from None
            raise
        worker.kill()
        return worker.layers

    def fork(self) -> Worker:
        """Return a new child, confined and ready for a program.

        Raises:
            CandidateFailed: there are no more processes or memory.
            EplbError: it could not be confined.
        """
        ours, theirs = socket.socketpair()
        scratch = None if self._mode == ROOTED else tempfile.mkdtemp(dir=self._folder)
        numbers = " ".join(map(str, astuple(self.limits)))
        with self._lock:
            socket.send_fds(self._control, [f"spawn\n{scratch or ''}\n{numbers}".encode()], [theirs.fileno()])
            said, process = self._told_of()
        theirs.close()
        if process is None:
            ours.close()
            raise CandidateFailed(TIMED_OUT, message=f"no process could be forked for it: {said}")
        worker = self._living[process.name] = Worker(self, process, ours, scratch)
        try:
            kind, content = wire.receive(ours, time.monotonic() + FORK_SECONDS)
        except wire.WireError as error:
            kind, content = wire.ERROR, bytearray(str(error).encode())
        if kind != wire.LOADED:
            worker.kill()
            raise EplbError(f"a candidate's process could not be confined: {content.decode()}")
        worker.layers = self._outer + (content.decode().split("\n") if content else [])
        return worker

    def _told_of(self) -> tuple[str, Process | None]:
        """Return what the zygote says and, unless it says what was refused, the process that it tells of."""
        said, descriptors, _, _ = socket.recv_fds(self._control, 1024, 1)
        what, _, rest = said.decode().partition(" ")
        if what not in ("ready", "forked"):
            return rest, None
        return what, Process(int(rest), descriptors[0] if descriptors else None)

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

    def reap(self, process: Process) -> tuple[int, float]:
        """Return the wait status and the CPU time of a child that has ended or was killed."""
        with self._lock:
            if self._living.pop(process.name, None) is None:  # the sandbox was closed meanwhile
                return 0, 0.0
            self._control.sendall(f"reap\n{process.name}".encode())
            return read_ended(self._control.recv(SIZE))

    def close(self) -> None:
        """End the zygote and all its children, and the sibling."""
        with self._sibling_lock:
            if self._sibling is not None:
                self._sibling.close()
                self._sibling = None
        for worker in list(self._living.values()):
            worker.process.end()
        self._living.clear()
        self._control.close()
        if self.zygote is not None:
            self.zygote.end()
            self.zygote.close()
            self.zygote = None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._let_go()

    def _let_go(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._hold is not None:
            os.close(self._hold)
            self._hold = None

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
