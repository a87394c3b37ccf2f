"""Frames with known answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evaluator.analysis.summary import METRICS, TIMES


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
