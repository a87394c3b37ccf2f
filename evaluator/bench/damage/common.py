"""What all damages share: the type of one, a choice, and the trace that whole files hold."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from evaluator.workloads.trace import Trace

Damage = Callable[[bytes, Generator], bytes]
EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
"""Numbers at the ends of what 1 to 8 bytes hold."""


def pick(items: Sequence[Any], generator: Generator) -> Any:
    """Return one of several."""
    return items[int(generator.integers(len(items)))]


def sample_trace(num_steps: int = 6, num_layers: int = 3, num_experts: int = 16) -> Trace:
    """Return a small trace with all that can be known of one."""
    counts = np.random.default_rng(0).integers(0, 5000, (num_steps, num_layers, num_experts))
    known = {"model": "a model", "phase": "decode", "source": "made up", "licence": "none"}
    layer_ids = tuple(range(3, 3 + num_layers))
    return Trace(counts, top_k=2, num_groups=4, tokens_per_step=64, layer_ids=layer_ids, **known)


def written(write: Callable[[Trace, Path], None], suffix: str) -> bytes:
    """Return what a reader's own function writes of that trace."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"sample{suffix}"
        write(sample_trace(), path)
        return path.read_bytes()
