"""Stages that misbehave, as a package of somebody else's: a packer that packs well until it plays its trick.

Not imported by the tests themselves: it would be a stage of theirs, too.
"""

from __future__ import annotations

import collections
import contextlib
import ctypes
import itertools
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import numpy as np

from eplb_variants.packing.greedy import Greedy
from eplb_variants.registry import register


class _Guest(BaseException):
    pass


class _Endless(Exception):
    def __str__(self):
        while True:
            pass


class _Unspeakable(Exception):
    def __str__(self):
        raise _Guest("even its message")


_calls: collections.Counter[str] = collections.Counter()


@register("packer", "guest", "greedy, until it plays a trick")
@dataclass(frozen=True)
class Guest:
    trick: str = "none"
    after: int = 1

    def __call__(self, weights, labels, num_packs):
        _calls[self.trick] += 1
        if _calls[self.trick] > self.after:
            getattr(sys.modules[__name__], f"_{self.trick}")()
        return Greedy()(weights, labels, num_packs)


def _none():
    pass


def _exits():
    sys.exit(3)


def _interrupts():
    raise KeyboardInterrupt


def _own_exception():
    raise _Guest("of its own kind")


def _unspeakable():
    raise _Unspeakable


def _leaves():
    os._exit(0)


def _aborts():
    os.abort()


def _segfaults():
    ctypes.string_at(0)


def _kills_itself():
    os.kill(os.getpid(), signal.SIGKILL)


def _loops():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


def _sleeps():
    time.sleep(10_000)


def _loops_in_c():
    collections.deque(itertools.repeat(0), maxlen=0)  # holds the interpreter's lock, and asks for no signal


def _loops_without_the_lock():
    import numba

    @numba.njit("int64(int64)", nogil=True)
    def spin(number):
        for _ in range(1 << 62):
            number = (number * 6364136223846793005 + 1442695040888963407) ^ (number >> 7)
        return number

    spin(1)


def _takes_all_memory():
    taken = []
    while True:
        taken.append(np.ones(1 << 20))


def _answers():
    for answer in (b'{"answer": {"status": "ok"}}\n', b'["", "answer", {"status": "ok", "reason": null}]\n'):
        for descriptor in range(3, 64):
            with contextlib.suppress(OSError):
                os.write(descriptor, answer)


def _closes_descriptors():
    os.closerange(0, 4096)


def _cannot_be_encoded():
    raise ValueError("\ud800 \x1b[2J")


def _explains_without_end():
    raise _Endless


def _limits_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _replaces_numpy():
    def broken(*given, **more):
        raise RuntimeError("of a guest")

    np.take_along_axis = np.argsort = broken


def _leaves_threads():
    def stay():
        while True:
            time.sleep(0.001)

    for _ in range(2):
        threading.Thread(target=stay, daemon=True).start()


def _leaves_a_session_behind():
    command = [sys.executable, "-c", "import time; time.sleep(10_000)", os.environ["GUESTS_MARK"]]
    subprocess.Popen(command, start_new_session=True)


def _breaks_streams():
    class Evil:
        def write(self, text):
            raise SystemExit

        flush = write

    sys.stdout = sys.stderr = Evil()


def _prints():
    for _ in range(3):
        sys.stdout.write("x" * (10 << 20))
    os.write(1, b"past Python\n")


def _waits():
    while not os.path.exists(os.environ["GUESTS_GO_ON"]):
        time.sleep(0.05)


def _changes_folder():
    os.chdir("/")


def _changes_signals():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGUSR1):
        signal.signal(number, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)


def _changes_streams():
    sys.stdout.close()
    sys.stderr = None


def _changes_environment():
    os.environ.clear()


def _forks():
    os.fork()  # both return
