"""What a step of a lineage did: a program beside its parent, on the windows that both were judged on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eplb_variants.loads import FloatArray
from evaluator.analysis.columns import HEADLINE, METRICS
from evaluator.analysis.paired import Paired, corrected, paired, verdict_on
from evaluator.candidates.judging import schema
from evaluator.sweep.stratum import Stratum

Row = Mapping[str, Any]
BY_WINDOW = "next_by_window"
JUDGED_WHOLE = (schema.TRAINING, schema.HELD_OUT)


def step(own: Row, parent: Row, strata: Sequence[Stratum]) -> Paired | None:
    """Return how a program differs from its parent, which was judged on the same windows; None where either was not.

    Args:
        own: its row, under the names of the columns of the judge's ``schema``.
        parent: of its parent.
        strata: of the training part that both were judged on.
    """
    series = [_series(row, strata) for row in (own, parent)]
    if series[0] is None or series[1] is None:
        return None
    return paired(series[0], series[1])


def with_all(steps: Sequence[Paired | None]) -> list[str | None]:
    """Return the verdicts on steps, corrected for there being so many, after Holm (1979)."""
    p_values = corrected([float("nan") if one is None else one.difference.p for one in steps])
    return [
        None if one is None else verdict_on(one.difference, METRICS[HEADLINE], p)
        for one, p in zip(steps, p_values, strict=True)
    ]


def _series(row: Row, strata: Sequence[Stratum]) -> list[list[FloatArray]] | None:
    """Return the balance on the next window, by stratum, trace and window; None where not all were placed."""
    values = row.get(BY_WINDOW)
    if values is None or row.get("stage") not in JUDGED_WHOLE:
        return None
    found: list[list[FloatArray]] = []
    begin = 0
    for stratum in strata:
        traces = []
        for windows in stratum.traces:
            part = values[begin : begin + len(windows)]
            traces.append(np.array([np.nan if value is None else value for value in part], dtype=float))
            begin += len(windows)
        found.append(traces)
    return found if begin == len(values) else None
