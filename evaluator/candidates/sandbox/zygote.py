"""The process that candidates are forked from: it has torch imported and nothing else to know.

``python -I -m evaluator.candidates.sandbox.zygote FD`` listens on a socket for one-line requests: ``spawn`` (with a
descriptor for the child's channel) answers with a process id, ``reap PID`` with a wait status. It ends with the socket.
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
from evaluator.candidates.sandbox.guest import answer_calls
from evaluator.candidates.sandbox.limits import Limits


def serve(control: socket.socket, isolated: bool) -> None:
    """Fork a child for each request until the judge goes away."""
    import torch

    torch.set_num_threads(1)
    with contextlib.suppress(RuntimeError):
        torch.set_num_interop_threads(1)
    torch.ones(4).sort()  # what torch makes on first use is made before the fork
    gc.collect()
    gc.freeze()
    control.sendall(b"ready")
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, 4096, 1)
        if not request:
            return
        words = request.decode().split("\n")
        if words[0] == "spawn":
            try:
                pid = os.fork()
            except OSError:  # no more processes or memory: the judge is told, the zygote lives on
                pid = -1
            if pid == 0:
                control.close()
                _child(descriptors[0], words[1], Limits(*_numbers(words[2])), isolated)
            os.close(descriptors[0])
            control.sendall(str(pid).encode())
        elif words[0] == "reap":
            control.sendall(str(os.waitpid(int(words[1]), 0)[1]).encode())


def _numbers(text: str) -> Any:
    wall, total, cpu, memory, files = text.split()
    return float(wall), float(total), int(cpu), int(memory), int(files)


def _child(descriptor: int, scratch: str, limits: Limits, isolated: bool) -> None:
    """Be a candidate: confine this process, load the program, answer calls; never return."""
    try:
        channel = _quiet(descriptor)
        try:
            layers = confine.confine(limits, scratch) if isolated else []
        except Exception as error:
            wire.send(channel, wire.ERROR, str(error).encode())
            os._exit(71)
        wire.send(channel, wire.LOADED, "\n".join(layers).encode())
        kind, source = wire.receive(channel)
        if kind == wire.LOAD:
            answer_calls(channel, source.decode())
    except BaseException:
        os._exit(70)
    os._exit(0)


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
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2] == "isolated")
