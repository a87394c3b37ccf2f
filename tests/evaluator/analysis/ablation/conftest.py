"""Made-up runs: a full factorial with known effects, on windows that differ far more than its levels do."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from evaluator.analysis.ablation.effects import METRICS

SHARED = {"topology": "t", "num_slots": 64, "num_groups": 1, "num_nodes": 1, "num_gpus": 8, "interval": 1}


def rows_of(name, config, values, workload="w", seed=0, **more):
    """Return the rows of a cell, a window each."""
    settings = {"kind": "synthetic", "interval": more.get("interval", 1)}
    return [
        {
            **dict.fromkeys(METRICS, np.nan),
            **SHARED,
            "cell": f"{name}-{workload}-{seed}-{sorted(more.items())}",
            "variant": name,
            "variant_config": json.dumps({"name": name, "summary": name, **config}),
            "workload": workload,
            "workload_content": f"{workload} {settings}",
            "workload_config": json.dumps(settings),
            "seed": seed,
            "window": window,
            "status": "ok",
            "time_ratio": np.nan,
            "time_reference": None,
            "balancedness_gpu_next": value,
            **more,
        }
        for window, value in enumerate(values)
    ]


def made(effect, *, a=(0, 1, 2), b=("x", "y"), seeds=4, workloads=("w",), windows=12, noise=0.0, rng=0, **more):
    """Return a run of ``fixup.moves`` (a) x ``packer.name`` (b) with ``effect(a, b)`` on windows of their own level.

    Noise is of a window, and of a whole trace: windows of a trace agree more than those of two.
    """
    generator = np.random.default_rng(rng)
    rows = []
    for workload, seed in itertools.product(workloads, range(seeds)):
        level_W = 0.8 + generator.normal(0, 0.1, windows)
        for one, two in itertools.product(a, b):
            own_W = (generator.normal(size=windows) + generator.normal()) * noise
            config = {"fixup": {"moves": one}, "packer": {"name": two}}
            rows += rows_of(f"v[{one},{two}]", config, level_W + effect(one, two) + own_W, workload, seed, **more)
    return pd.DataFrame(rows)


@pytest.fixture
def cell():
    """Return the function that makes the rows of a cell."""
    return rows_of


@pytest.fixture
def factorial():
    """Return the function that makes a full factorial."""
    return made
