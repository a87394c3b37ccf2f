"""Programs that are as good as the example program, and pairs of which one is better by a known amount.

Each is the example program, but packs by loads that are a little off: every load is multiplied by 1 plus noise from a
seed of its own, the same in every call. Little noise breaks near-ties another way and costs nothing that can be
measured; more of it costs what ``NOISE_BY_GAIN`` says.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from eplb_variants.errors import EplbError
from evaluator.candidates.program import Program, example_program

EQUAL_NOISE = 0.001
"""Standard deviation of the noise of equals. On 4,000 traces of ``quick`` they are worse than the example program by
0.00004, with a standard error of 0.00002, and a trace's mean differs by 0.0014 (standard deviation)."""
NOISE_BY_GAIN = {0.001: 0.022, 0.002: 0.031, 0.003: 0.0385}
"""Balancedness on the next window of ``quick`` by which an equal is better than a program, and the noise of that one.
On the same 4,000 traces the gains were 0.0009, 0.0020 and 0.0030, with standard errors below 0.00005; ``eplb bench
programs`` measures them again."""

FUNCTION = "def place_on_gpus("
WEIGHED = "    per_replica = (weight / count).gather(1, expert)\n"
"""A line of the example program that occurs once."""
BLURRED = '''def blurred(weight: torch.Tensor) -> torch.Tensor:
    """Return loads ``[N, E]`` that are a little off, in every call alike."""
    noise = torch.randn(weight.shape, generator=torch.Generator().manual_seed({seed}))
    return weight * (1 + {noise} * noise).clamp_min(0)


'''


class Pair(NamedTuple):
    """A parent, and a candidate that is better by a known amount."""

    parent: Program
    candidate: Program


def blurred_program(noise: float, seed: int) -> Program:
    """Return the example program, packing by loads that are off by ``noise``: a standard deviation, as a share."""
    example = example_program()
    source = example.source.replace(WEIGHED, WEIGHED.replace("weight /", "blurred(weight) /"))
    source = source.replace(FUNCTION, BLURRED.format(seed=seed, noise=noise) + FUNCTION)
    return Program(f"{example.name}-{noise:g}-{seed}", source)


def equal_programs(number: int, seed: int) -> list[Program]:
    """Return programs as good as the example program, each with placements of its own; ``seed`` chooses which."""
    return [blurred_program(EQUAL_NOISE, one) for one in _seeds(number, seed)]


def better_program(gain: float, seed: int) -> Pair:
    """Return a parent and a candidate that is better by ``gain`` on the next window of the workload ``quick``.

    The candidate is one of the equals of the example program, the parent is worse than that.

    Raises:
        EplbError: it was not measured which program is worse by so much.
    """
    if gain not in NOISE_BY_GAIN:
        raise EplbError(f"no pair is known to differ by {gain:g}: choose {', '.join(map(str, NOISE_BY_GAIN))}")
    parent, candidate = _seeds(2, seed)
    return Pair(blurred_program(NOISE_BY_GAIN[gain], parent), blurred_program(EQUAL_NOISE, candidate))


def _seeds(number: int, seed: int) -> list[int]:
    return [int(one) for one in np.random.default_rng(seed).integers(2**31, size=number)]
