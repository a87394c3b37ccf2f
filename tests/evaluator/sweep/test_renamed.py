"""Cells are made again from what they remember, or refused where that is not what it was."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from eplb_variants import EplbError
from evaluator.quality.renamed import renamed_balances
from evaluator.sweep import renamed
from evaluator.sweep.measure import common_columns
from evaluator.sweep.plan import make_plan

PLAN = make_plan(
    ["workload=small_batch", "workload.num_layers=2", "workload.windows=4", "seed=0,1", "measure=quality"],
    multirun=True,
)


def rows(**changes):
    """Return two rows of each of two cells, one a seed, as they are stored."""
    return pd.DataFrame([{**common_columns(cell), **changes} for cell in PLAN.cells for _ in range(2)])


def test_every_trace_counts_once_and_is_renamed_by_itself():
    each = [
        renamed_balances(cell.variant, cell.workload.windows(cell.seed), cell.topology, 3, number).mean(axis=1)
        for number, cell in enumerate(PLAN.cells)
    ]
    np.testing.assert_allclose(renamed.renamed_means(rows(), 3), np.mean(each, axis=0))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"overrides": None}, "deepseek on small_batch.* seed 0 does not say what chose it"),
        ({"workload_content": "other"}, "cannot be made again"),
        ({"overrides": json.dumps(["variant=seed"])}, "cannot be made again"),
    ],
)
def test_what_is_not_what_it_was_is_refused(changes, reason):
    with pytest.raises(EplbError, match=reason):
        renamed.renamed_means(rows(**changes), 3)


def test_code_of_others_is_not_run_here(monkeypatch):
    class Stranger(type(PLAN.cells[0].variant)):
        pass

    cell = PLAN.cells[0]
    stranger = Stranger(**{part.name: getattr(cell.variant, part.name) for part in dataclasses.fields(cell.variant)})
    plan = dataclasses.replace(PLAN, cells=(dataclasses.replace(cell, variant=stranger),))
    monkeypatch.setattr(renamed, "make_plan", lambda *_, **__: plan)
    with pytest.raises(EplbError, match="runs code of others"):
        renamed.renamed_means(rows(), 3)
