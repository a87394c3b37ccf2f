"""Layers left out, to see what the others stop: the sandbox's in the process that forks, the judge's rules here.

``python -I -m evaluator.bench.attacks.without LAYERS ...`` starts that process as the sandbox does, without
some layers.
"""

from __future__ import annotations

import contextlib
import runpy
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

import numpy as np

from eplb_variants import Topology
from evaluator.candidates.judging import asking, decoys, judge, timed, timing, trial
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox import confine, launch, pool, process, wire

ZYGOTE = "evaluator.candidates.sandbox.zygote"
HERE = "evaluator.bench.attacks.without"
SANDBOX: dict[str, tuple[str, Callable[..., Any]]] = {
    "resource limits": ("limit_resources", lambda *_: False),
    "landlock": ("restrict_files", lambda *_: 0),
    "seccomp": ("install_filter", lambda: False),
}
"""Layers of the sandbox: the function of ``confine`` that puts each on, and what stands in its place."""


def _not_rooted(start: Callable[..., str]) -> Callable[..., str]:
    """Return how a sandbox starts where the kernel has no namespaces."""

    def started(self: pool.Sandbox, mode: str, *wrapper: Any) -> str:
        return "left out" if mode == launch.ROOTED else start(self, mode, *wrapper)

    return started


def _own_labels(num_layers: int, num_experts: int, *_: object) -> Any:
    return np.tile(np.arange(num_experts), (num_layers, 1))


def _waited_for_anybody(one: process.Process) -> float:
    return process.run_and_waited(f"/proc/{one.pid}/schedstat")[1]


def _twins_apart(
    sandbox: pool.Sandbox,
    program: Program,
    asked: Sequence[Sequence[trial.ToAsk]],
    topology: Topology,
    draw: np.random.Generator,
) -> list[list[trial.Placed]]:
    """Ask what programs are asked alike of processes that take no turns, and the others as ever."""
    found: dict[int, list[trial.Placed]] = {}
    for number, of_process in enumerate(asked):
        if of_process[0].must:
            own = asking.Process(sandbox, program, of_process[0].asked.load_LE, topology, draw)
            with contextlib.ExitStack() as stack:
                stack.callback(own.end)
                found[number] = [trial.answered(own, one, topology, draw) for one in of_process]
    others = [number for number in range(len(asked)) if number not in found]
    found |= zip(others, _place(sandbox, program, [asked[n] for n in others], topology, draw), strict=True)
    return [found[number] for number in range(len(asked))]


_place = trial.place
RULES: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "namespaces": (pool.Sandbox, "_start", _not_rooted(pool.Sandbox._start)),
    "one core": (judge, "_dealt", lambda cores, threads: [None] * threads),
    "labels": (asking, "renaming", _own_labels),
    "unlike": (asking, "unlike", decoys.like),
    "silence": (wire, "is_silent", lambda _: True),
    "own threads": (
        process.Process,
        "waited_seconds",
        lambda self: process.run_and_waited(f"/proc/{self.pid}/schedstat")[1],
    ),
    "waits": (timing, "has_schedstat", lambda: False),
    "own work": (judge, "own_seconds", lambda *_: 0.0),
    "turns": (trial, "place", _twins_apart),
    "asked again": (timed.TimedProgram, "check_again", lambda self: self.end()),
    "held to training": (timed.TimedProgram, "check", lambda self, *_: self.end()),
}
"""What is put on in the judge's process: where it stands, and what stands in its place.

A root of its own goes with namespaces.
"""
CAN_BE_LEFT_OUT = (*SANDBOX, *RULES)


@contextlib.contextmanager
def left_out(layers: tuple[str, ...]) -> Iterator[None]:
    """Have judges that are made within do without some of ``CAN_BE_LEFT_OUT``."""
    with contextlib.ExitStack() as stack:
        for layer in layers:
            if layer in RULES:
                stack.enter_context(mock.patch.object(*RULES[layer]))
        ours = ",".join(layer for layer in layers if layer in SANDBOX)
        if ours:
            command = launch.zygote_command

            def weaker(*arguments: Any, **named: Any) -> list[str]:
                words = command(*arguments, **named)
                at = words.index(ZYGOTE)
                return [*words[:at], HERE, ours, *words[at + 1 :]]

            stack.enter_context(mock.patch.object(pool, "zygote_command", weaker))
            stack.enter_context(mock.patch.object(confine, "is_enough", return_value=True))
        yield


def _start(layers: list[str], arguments: list[str]) -> None:
    """Be the process that candidates are forked from, without some layers."""
    for layer in layers:
        setattr(confine, *SANDBOX[layer])
    sys.argv = [ZYGOTE, *arguments]
    runpy.run_module(ZYGOTE, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _start(sys.argv[1].split(","), sys.argv[2:])
