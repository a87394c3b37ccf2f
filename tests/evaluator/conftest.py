"""Made-up rows with known answers, and full factorials with known effects."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from evaluator.analysis.ablation.effects import EFFECTS_ON
from evaluator.analysis.columns import METRICS, TIMES
from evaluator.config import composed

SHARED = {"topology": "t", "num_slots": 64, "num_groups": 1, "num_nodes": 1, "num_gpus": 8, "interval": 1}


def made_up_rows(variant, values, workload="w", seed=0, **more):
    """Return rows by window with a given balancedness on the next window."""
    return [
        {
            **dict.fromkeys([*METRICS, *TIMES], np.nan),
            "variant": variant,
            "workload": workload,
            "topology": "t",
            "workload_content": "c",
            "timing_rounds": 20,
            "interval": 1,
            "seed": seed,
            "window": i,
            "status": "ok",
            "reason": None,
            "cell": f"{variant}-{workload}-{seed}",
            "balancedness_gpu_next": value,
            "balancedness_gpu_own": 0.9,
            "time_reference": None,
            "timing_valid": None,
            "timing_has_core": None,
            "timing_config": None,
            "place_peak_mib": np.nan,
            "gpu_speeds": None,
            "machine": "{}",
            **more,
        }
        for i, value in enumerate(values)
    ]


@pytest.fixture
def rows():
    """Return the function that makes rows."""
    return made_up_rows


@pytest.fixture
def many():
    """Return ``base``, ``up`` a little better and ``down`` worse, on five workloads of three traces each."""
    draw = np.random.default_rng(0)
    made = []
    for workload in range(5):
        for seed in range(3):
            base = draw.uniform(0.5, 0.9) + draw.normal(0, 0.02, 12)
            for name, offset in (("base", 0.0), ("up", 0.01), ("down", -0.02)):
                values = base + offset + draw.normal(0, 0.002, 12)
                made += made_up_rows(name, values, f"w{workload}", seed)
    return pd.DataFrame(made)


def rows_of(name, config, values, workload="w", seed=0, **more):
    """Return the rows of a cell, a window each."""
    settings = {"kind": "synthetic", "interval": more.get("interval", 1)}
    return [
        {
            **dict.fromkeys(EFFECTS_ON, np.nan),
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
            "timing_config": None,
            "place_peak_mib": np.nan,
            "gpu_speeds": None,
            "machine": "{}",
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


@pytest.fixture
def compositions(monkeypatch):
    """Return a list that grows by what Hydra composes from here on, as in a process that has composed nothing."""
    calls, compose = [], composed.compose

    def counted(name, overrides, **more):
        calls.append(tuple(overrides))
        return compose(name, overrides, **more)

    monkeypatch.setattr(composed, "_kept", {})
    monkeypatch.setattr(composed, "compose", counted)
    return calls
