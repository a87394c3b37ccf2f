"""A child process that answers requests one after the other, and the parent's watch over it.

What runs in it may raise anything, crash, hang, take all memory or change its surroundings: the parent learns of it,
and the next request is answered by a fresh child, forked from the parent as it was. Nothing that a child says is more
to the parent than JSON.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import json
import os
import resource
import secrets
import select
import signal
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from eplb_variants.errors import EplbError
from evaluator.sweep.calls import Calls

LOOK_SECONDS = 0.1
"""Between two looks at a child that has not answered yet."""
TRACE_SECONDS = 0.3
"""For a child whose call takes too long to write where it is to its log, before it is ended."""
REAP_SECONDS = 10.0
"""For a child that has left the line to be gone."""
LONGEST_ANSWER = 1 << 20
LARGEST_LOG, KEPT_LOG, END_OF_LOG = 16 << 20, 8 << 20, 1 << 16
"""Bytes: a log that is larger when the parent looks is cut to its beginning and its end."""
UNREADABLE = "its process sent an answer that cannot be read"
"""Of a child whose line was written by what it called, or that no longer works."""
CLOSED = "closed the descriptors of its process"
OUT_OF_REACH = 70
"""Exit code of a child that cannot answer, because what it ran closed its descriptors."""
ANSWER, ERROR, FAULT = "answer", "error", "fault"
"""What a child may say: the answer, a sentence for the user, or the traceback of a mistake of ours."""
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None)


class Ended(Exception):
    """The child ended, or was ended, before it answered; the message says why."""


@dataclass
class Child:
    """A process that answers requests; started when it is first asked, and again after it has ended.

    Args:
        answer: from a request to its answer, both JSON; it is called in the child.
        calls: where the child counts the calls of variants.
        place_seconds: a call that takes longer is ended; waiting for a core does not count.
        memory_bytes: memory that the child may take beyond what it starts with.
        longest_answer: bytes of an answer; a longer one is none.
    """

    answer: Callable[[Any], Any]
    calls: Calls
    place_seconds: float
    memory_bytes: int
    longest_answer: int = LONGEST_ANSWER
    _pid: int | None = field(default=None, init=False)
    _channel: socket.socket | None = field(default=None, init=False)

    def ask(self, request: Any, log: Path | None = None) -> Any:
        """Return the child's answer.

        Args:
            request: anything that JSON can hold.
            log: the file that the child writes what is printed to; kept from growing without end.

        Raises:
            Ended: there is none: the child crashed, took too long, or was ended from outside.
            EplbError: ``answer`` raised it.
            RuntimeError: ``answer`` raised something else; the message is its traceback.
        """
        if self._pid is None or self._has_ended():
            self._start()
        assert self._channel is not None
        try:
            token = secrets.token_hex(16)
            with contextlib.suppress(BrokenPipeError):  # it is gone: reading says how
                self._channel.sendall(json.dumps([token, request]).encode() + b"\n")
            kind, content = _opened(self._line(log), token)
        except BaseException:
            self.close()
            raise
        if kind == ERROR:
            raise EplbError(content)
        if kind == FAULT:
            raise RuntimeError(content)
        return content

    def close(self) -> None:
        """End the child and all that it started; a later request starts another."""
        if self._pid is None:
            return
        self._kill()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        self._forget()

    def _start(self) -> None:
        self.calls.forget()
        for stream in (sys.stdout, sys.stderr):  # what is not written yet would be written by the child, too
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        ours, theirs = socket.socketpair()
        parent = os.getpid()
        with warnings.catch_warnings():
            # Python 3.12 warns where there are threads: those of the bar and of Arrow hold nothing that a child needs
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            try:
                ours.close()
                self.calls.made_here()
                _settle(parent, self.memory_bytes, theirs.fileno())
                _serve(theirs, self.answer)
            finally:
                os._exit(OUT_OF_REACH)
        theirs.close()
        self._pid, self._channel = pid, ours

    def _line(self, log: Path | None) -> bytes:
        """Return the next line that the child writes, and end it where a call takes too long."""
        assert self._channel is not None
        assert self._pid is not None
        line, watch = b"", _Watch(self.calls, self.place_seconds, self._pid)
        while not line.endswith(b"\n"):
            if select.select([self._channel], [], [], LOOK_SECONDS)[0]:
                try:
                    part = self._channel.recv(1 << 16)
                except ConnectionError:
                    part = b""
                if not part or len(line) > self.longest_answer:
                    raise Ended(self._reaped())
                line += part
            elif watch.is_over():
                self._show_where()
                self.close()
                raise Ended(f"took longer than place_seconds_limit ({self.place_seconds:g} s)")
            elif self._has_ended():
                raise Ended(self._reaped())
            if log is not None:
                _cut(log)
        return line

    def _show_where(self) -> None:
        """Have the child write to its log where it is."""
        assert self._pid is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGUSR1)
        time.sleep(TRACE_SECONDS)

    def _has_ended(self) -> bool:
        """Return whether the child is gone, without waiting; how it ended can still be asked for."""
        assert self._pid is not None
        try:
            return os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def _reaped(self) -> str:
        """Wait for a child that has left the line, for a while, and return how it ended."""
        assert self._pid is not None
        until = time.monotonic() + REAP_SECONDS
        while not self._has_ended() and time.monotonic() < until:
            time.sleep(0.01)
        stays = not self._has_ended()
        self._kill()
        try:
            _, status = os.waitpid(self._pid, 0)
        except ChildProcessError:  # somebody else waited for it
            status = 0
        self._forget()
        return CLOSED if stays else _how(status)

    def _kill(self) -> None:
        """End the child and its descendants, those too that left its process group or lost their parent to it."""
        assert self._pid is not None
        strays = _descendants(self._pid)
        for end in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                end(self._pid, signal.SIGKILL)
        for stray in strays:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(stray, signal.SIGKILL)

    def _forget(self) -> None:
        if self._channel is not None:
            self._channel.close()
        self._pid = self._channel = None


def _descendants(process: int) -> list[int]:
    """Return the processes that a process started, at any depth; none where the system does not say."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            parent = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1]
            children.setdefault(int(parent), []).append(int(folder.name))
    found, waiting = [], [process]
    while waiting:
        own = children.get(waiting.pop(), [])
        found += own
        waiting += own
    return found


class _Watch:
    """Says when a call has taken too long."""

    def __init__(self, calls: Calls, seconds: float, process: int) -> None:
        self._calls, self._seconds, self._process = calls, seconds, process
        self._number, self._taken = -1, 0.0
        self._looked, self._queued = time.monotonic(), _queued_seconds(process)

    def is_over(self) -> bool:
        """Return whether the same call has been in progress for too long; to be asked every ``LOOK_SECONDS``.

        Time in which the process waited for a core does not count: how busy the machine is fails no call. Time in
        which nobody looked counts little: whoever stopped the parent may have stopped the child, too.
        """
        now, queued, call = time.monotonic(), _queued_seconds(self._process), self._calls.last()
        if not call.running or call.number != self._number:
            self._number, self._taken = call.number, 0.0
        else:
            waited = max(0.0, now - self._looked - (queued - self._queued))
            self._taken += min(waited, 5 * LOOK_SECONDS)
        self._looked, self._queued = now, queued
        return call.running and self._taken > self._seconds


def _queued_seconds(process: int) -> float:
    """Return how long the main thread of a process was ready to run and had no core; 0 where the system does not say.

    For a thread that sleeps, or runs, time goes on; for one in the queue it does not.
    """
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def _opened(line: bytes, token: str) -> tuple[str, Any]:
    """Return what kind of answer a line holds, and the answer; Ended where it is none to the request of this token."""
    try:
        given, kind, content = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        raise Ended(UNREADABLE) from None
    if given != token or kind not in (ANSWER, ERROR, FAULT):
        raise Ended(UNREADABLE)
    return kind, content


def _how(status: int) -> str:
    """Return in words how a process ended of itself."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = f"signal {number}"
        return f"ended by {name}" + (", most likely for want of memory" if number == signal.SIGKILL else "")
    code = os.waitstatus_to_exitcode(status)
    return CLOSED if code == OUT_OF_REACH else f"ended its process with code {code}"


def _cut(log: Path) -> None:
    """Cut a log that has grown too large to its beginning and its end; its writers append to it."""
    try:
        if log.stat().st_size <= LARGEST_LOG:
            return
        with log.open("r+b") as file:
            file.seek(-END_OF_LOG, os.SEEK_END)
            end = file.read()
            file.truncate(KEPT_LOG)
        with log.open("ab") as file:
            file.write(b"\n[what was printed here was too much to keep]\n" + end)
    except OSError:
        pass


# ---- in the child ----------------------------------------------------------------------------------------------------


def _settle(parent: int, memory_bytes: int, channel: int) -> None:
    """Make this process one that ends with its parent, alone, and leaves it the terminal and all that it has open."""
    os.setpgid(0, 0)
    prctl = getattr(_libc, "prctl", None)  # elsewhere than on Linux, a child ends at its next answer
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
        prctl(PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1), 0, 0, 0)  # what it starts stays below it, to be found
    if os.getppid() != parent:
        os._exit(0)
    gc.freeze()  # the parent's objects stay shared
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in _open_descriptors() - {channel, null}:
        os.dup2(null, descriptor)  # not closed: who thinks that it is open might close another one
    os.close(null)
    faulthandler.enable(file=2)
    faulthandler.register(signal.SIGUSR1, file=2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit_memory(memory_bytes)


def _open_descriptors() -> set[int]:
    """Return the descriptors of this process, the standard ones in any case."""
    with contextlib.suppress(OSError):
        found = set()
        for name in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):  # the listing itself
                os.fstat(int(name))
                found.add(int(name))
        return found | {0, 1, 2}
    return set(range(256))


def _limit_memory(memory_bytes: int) -> None:
    """Let this process take so much more memory: then allocations fail, and if all is used up it is ended first."""
    with contextlib.suppress(OSError, ValueError):
        status = Path("/proc/self/status").read_text(encoding="ascii")
        has = int(status.partition("VmData:")[2].split()[0]) << 10
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        limit = has + memory_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (limit if most < 0 else min(limit, most), most))
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


@dataclass(frozen=True)
class _Surroundings:
    """What code can change of its process, and what is put back before the next request."""

    folder: str
    environment: dict[str, str]
    streams: tuple[Any, ...]

    @classmethod
    def now(cls) -> _Surroundings:
        return cls(os.getcwd(), dict(os.environ), (sys.stdin, sys.stdout, sys.stderr))

    def put_back(self) -> None:
        sys.stdin, sys.stdout, sys.stderr = self.streams
        os.chdir(self.folder)
        if dict(os.environ) != self.environment:
            os.environ.clear()
            os.environ.update(self.environment)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
        for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGUSR2, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)


def _serve(channel: socket.socket, answer: Callable[[Any], Any]) -> NoReturn:
    """Answer requests until the parent goes away."""
    own, surroundings = os.getpid(), _Surroundings.now()
    surroundings.put_back()
    requests = channel.makefile("rb")
    for line in requests:
        token, request = json.loads(line)
        kind, content = ANSWER, None
        try:
            content = answer(request)
        except EplbError as error:
            kind, content = ERROR, str(error)
        except BaseException:
            kind, content = FAULT, traceback.format_exc()
        if os.getpid() != own:  # forked by what was called: one answer is enough
            os._exit(0)
        surroundings.put_back()
        channel.sendall(json.dumps([token, kind, content]).encode() + b"\n")
    os._exit(0)
