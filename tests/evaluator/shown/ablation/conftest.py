"""An ablation with awkward names."""

from __future__ import annotations

import pytest

from evaluator.analysis.ablation.effects import measure_effects
from evaluator.analysis.ablation.factors import find_design
from evaluator.shown.ablation.words import extent_of


@pytest.fixture
def run(factorial):
    """Return effects, design and extent of a run with names that rich and matplotlib would take for markup."""
    frame = factorial(lambda a, b: 0.01 * a, b=("[red]x[/]", r"$y_{1}$"), noise=1e-4, workloads=("u", "v"))
    frame["time_reference"] = "r"
    frame["time_ratio"] = 1.0 + 0.5 * frame["variant"].str.contains("y") + 0.001 * frame["seed"]
    design = find_design(frame)
    return measure_effects(frame, design), design, extent_of(frame)
