"""Cells of a run made again from what they remember, and what breaking ties does there."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd

from eplb_variants import EplbError
from eplb_variants.loads import FloatArray
from evaluator.quality.renamed import renamed_balances
from evaluator.sweep.cell import Cell
from evaluator.sweep.measure import name_of
from evaluator.sweep.plan import make_plan


def renamed_means(rows: pd.DataFrame, renamings: int, config_dirs: Sequence[str] = ()) -> FloatArray:
    """Return a variant's mean balance with its workload's experts renamed, over windows and then traces: ``[R]``.

    Args:
        rows: of the variant, on one workload and topology, as stored; each trace is renamed by itself.
        renamings: how many, ``R``.
        config_dirs: as they were given to ``eplb evaluate``.

    Raises:
        EplbError: a cell does not say what chose it, or its workload or variant is not what it was; or the variant runs
            code that is not of this package, which is called in processes of its own alone.
    """
    means = []
    for number, (_, row) in enumerate(rows.drop_duplicates("cell").iterrows()):
        cell = _again(row, config_dirs)
        windows_WLE = cell.workload.windows(cell.seed)
        means.append(np.nanmean(renamed_balances(cell.variant, windows_WLE, cell.topology, renamings, number), axis=1))
    return np.mean(means, axis=0)


def _again(row: pd.Series, config_dirs: Sequence[str]) -> Cell:
    where = f"{row['variant']} on {row['workload']}, {row['topology']}, seed {row['seed']}"
    if not isinstance(row["overrides"], str):
        raise EplbError(f"{where} does not say what chose it: evaluate it again, into another run")
    cell = make_plan([*json.loads(row["overrides"]), "measure=quality"], config_dirs=config_dirs).cells[0]
    if cell.variant.name != row["variant"] or cell.workload.identity != row["workload_content"]:
        raise EplbError(f"{where} cannot be made again: its configuration or its recording has changed since")
    if not cell.variant.is_proven:
        raise EplbError(f"{name_of(cell)} runs code of others: choose a reference of this package")
    return cell
