"""Slowdowns of a known size: a call takes so much more CPU time than it took.

A clock of CPU time says what a call took; then the same thread computes on until that has grown by the wanted share. So
the slowdown is a share of each call, on every load and however busy the machine, and needs no calibration. The factor 1
does the same without computing on, for what stands beside it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from typing import Any

from eplb_variants import Placement, Topology, Variant
from evaluator.candidates.program import Program

NAME = "rebalance_experts"


@dataclass(frozen=True, eq=False)
class Slower(Variant):
    """A variant that takes ``factor`` times its CPU time; its placements are the same."""

    factor: float = 1.0

    def place(self, load: Any, topology: Topology, previous: Placement | None = None) -> Placement:
        """Return the placement that the variant makes, later."""
        began = time.thread_time()
        placement = super().place(load, topology, previous)
        until = began + self.factor * (time.thread_time() - began)
        while time.thread_time() < until:
            pass
        return placement


def slower(variant: Variant, factor: float) -> Slower:
    """Return a variant that takes ``factor``, 1 or more, times its CPU time."""
    return Slower(**{part.name: getattr(variant, part.name) for part in fields(Variant)}, factor=factor)


def slower_program(program: Program, factor: float) -> Program:
    """Return a program that takes ``factor``, 1 or more, times its CPU time.

    What its process does between two calls, such as reading the load, counts as the program's: the clock sees it, too.
    """
    source = program.source.replace(f"def {NAME}(", f"def _{NAME}(")
    source += f"""
import time as _time

_began = [_time.thread_time()]


def {NAME}(*arguments):
    answer = _{NAME}(*arguments)
    until = _began[0] + {factor!r} * (_time.thread_time() - _began[0])
    while _time.thread_time() < until:
        pass
    _began[0] = _time.thread_time()
    return answer
"""
    return Program(f"{program.name} x {factor:g}", source)
