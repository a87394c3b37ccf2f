"""The process that candidates are forked from: it has torch imported and nothing else to know.

``python -I -m evaluator.candidates.sandbox.zygote FD MODE`` listens on a socket for requests of a few lines: ``spawn``
(with a descriptor for the child's channel) answers with a process id and, where there are such, a descriptor of the
process; ``reap PID`` with what ``wait4`` tells of it (``ended.py``). It ends with the socket.

A child inherits the memory of this process, and its program may read all of it. So nothing of a child is left here
when the next one is forked: requests are handled in functions that have ended by then, and how a process ended and
what it used never become objects of this interpreter.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
from typing import Any

from evaluator.candidates.sandbox import confine, wire
from evaluator.candidates.sandbox.ended import Ended
from evaluator.candidates.sandbox.guest import answer_calls, seed_all
from evaluator.candidates.sandbox.launch import CONFINED, ROOTED
from evaluator.candidates.sandbox.limits import Limits
from evaluator.candidates.sandbox.namespaces import ProcFolder, become_first
from evaluator.candidates.sandbox.pages import gather_pages
from evaluator.candidates.sandbox.seccomp import filter_code
from evaluator.candidates.sandbox.surroundings import Surroundings, as_it_is, of_its_own


def main(control: socket.socket, mode: str) -> None:
    """Make ready, tell the judge, and fork a child for each of its requests until it goes away."""
    try:
        proc = ProcFolder() if mode == ROOTED else None
        if proc is not None:
            become_first(proc)
        needed = _warm_up()
        around: Surroundings | None = None
        if proc is not None:
            around = of_its_own(os.getcwd(), needed, proc)
        elif mode == CONFINED:
            around = as_it_is(needed)
    except OSError as error:
        control.sendall(f"refused {error}".encode()[:1000])
        return
    _tell_of(control, "ready", os.getpid())
    serve(control, around)


def _warm_up() -> list[str]:
    """Have everything made that is made on first use, before the first fork; return files that children need."""
    import torch

    torch.set_num_threads(1)
    torch.ones(4).sort()
    seed_all(0)
    filter_code()
    gc.collect()
    gc.freeze()
    gather_pages()
    return [os.__file__, torch.__file__]


def serve(control: socket.socket, around: Surroundings | None) -> None:
    """Fork a child for each request until the judge goes away."""
    ended = Ended()
    while _serve_one(control, around, ended):
        pass


def _serve_one(control: socket.socket, around: Surroundings | None, ended: Ended) -> bool:
    """Serve a request; return whether there may be another."""
    request, descriptors, _, _ = socket.recv_fds(control, 4096, 1)
    if not request:
        return False
    words = request.decode().split("\n")
    if words[0] == "spawn":
        _spawn(control, around, descriptors[0], words)
    elif words[0] == "reap":
        ended.wait_for(int(words[1]))
        control.sendall(ended.raw)
        ended.forget()
    return True


def _spawn(control: socket.socket, around: Surroundings | None, descriptor: int, words: list[str]) -> None:
    """Fork a child, which does not return, and tell the judge."""
    try:
        pid = os.fork() if around is None else around.fork()
    except OSError as error:  # no more processes or memory: the judge is told, the zygote lives on
        control.sendall(f"refused {error}".encode())
        os.close(descriptor)
        return
    if pid == 0:
        control.close()
        _child(descriptor, words[1], Limits(*_numbers(words[2])), around)
    os.close(descriptor)
    _tell_of(control, "forked", pid)


def _tell_of(control: socket.socket, what: str, pid: int) -> None:
    """Tell of a process, with a descriptor of it where the system has such: its id may be another for the judge."""
    descriptors = []
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            descriptors = [os.pidfd_open(pid)]
    socket.send_fds(control, [f"{what} {pid}".encode()], descriptors)
    for descriptor in descriptors:
        os.close(descriptor)


def _numbers(text: str) -> Any:
    wall, total, cpu, memory, files = text.split()
    return float(wall), float(total), int(cpu), int(memory), int(files)


def _child(descriptor: int, scratch: str, limits: Limits, around: Surroundings | None) -> None:
    """Be a candidate: confine this process, load the program, answer calls; never return."""
    try:
        refused, layers = "", []
        if around is not None:
            try:
                scratch = around.enter(limits, scratch)
            except OSError as error:
                refused = str(error)
        else:
            os.chdir(scratch)  # its source, and what Numba keeps of it, are not another's
        channel = _quiet(descriptor)
        try:
            if around is not None and not refused:
                layers = sorted([*around.layers, *confine.confine(limits, scratch, around.sizes, around.shown)])
        except Exception as error:
            refused = str(error)
        if refused:
            wire.send(channel, wire.ERROR, refused.encode())
            os._exit(71)
        os.environ["HOME"] = scratch
        _own_pool()
        wire.send(channel, wire.LOADED, "\n".join(layers).encode())
        kind, source = wire.receive(channel)
        if kind == wire.LOAD:
            answer_calls(channel, source.decode())
    except BaseException:
        os._exit(70)
    os._exit(0)


def _own_pool() -> None:
    """Have torch make its pool of threads anew, which a fork leaves behind: threads of the program would race to."""
    import torch

    torch.set_num_threads(1)


def _quiet(descriptor: int) -> socket.socket:
    """Close everything that was inherited but the channel; no input, output to nowhere."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.dup2(descriptor, 3)
    os.closerange(4, 4096)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return socket.socket(fileno=3)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
