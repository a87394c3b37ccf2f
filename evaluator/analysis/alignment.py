"""The values of a column by window and variant, sorted once for all variants.

Shapes: W windows of all traces together, V variants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from eplb_variants.loads import FloatArray, IntArray
from evaluator.analysis.statistics import Estimate, mean_of_series

LOAD = ["workload", "workload_content", "interval"]
"""What identifies a load, over its seeds, on whatever topology."""
STRATUM = ["workload", "workload_content", "topology", "interval"]
"""What is summed up together: a load on a topology, over its seeds."""
TOPOLOGY = ("num_slots", "num_groups", "num_nodes", "num_gpus")
"""What a topology consists of: columns of whole numbers."""
SERIES = [*STRATUM, "seed"]
"""What identifies a trace: a series of windows on which variants are paired."""
PAIR = [*SERIES, "window"]


@dataclass(frozen=True)
class Alignment:
    """The values of one column.

    Args:
        variants: their names, sorted.
        values: ``[W, V]``, a row per window, in the order of ``PAIR``; NaN where a variant was not measured.
        windows: ``[W]``, the number of each window in its trace.
        traces: where the windows of each trace are, by stratum.
        workloads: the name of each stratum's workload.
    """

    variants: Sequence[str]
    values: FloatArray
    windows: IntArray
    traces: Sequence[Sequence[slice]]
    workloads: Sequence[str]

    def of(self, variant: str) -> FloatArray:
        """Return the values ``[W]`` of a variant."""
        column: FloatArray = self.values[:, self.variants.index(variant)]
        return column

    def series(self, variant: str) -> list[list[FloatArray]]:
        """Return the values of a variant as series: by stratum, an array per trace."""
        return self.split(self.of(variant))

    def mean_of(self, variant: str) -> Estimate:
        """Return the mean of a variant over all windows, with its interval."""
        return mean_of_series(self.series(variant))

    def split(self, values_W: FloatArray) -> list[list[FloatArray]]:
        """Return values by window as series: by stratum, an array per trace."""
        return [[values_W[trace] for trace in traces] for traces in self.traces]


def align(frame: pd.DataFrame, column: str) -> Alignment:
    """Return a column of rows by window, aligned.

    Raises:
        pandas.errors.MergeError: a variant has two rows of the same window, and nothing says which of them counts.
    """
    stratum = _numbered(frame, STRATUM)
    trace = _numbered(frame, ["seed"], stratum)
    row = _numbered(frame, ["window"], trace)
    names, variant = np.unique(frame["variant"].to_numpy(dtype=object), return_inverse=True)
    if len(np.unique(row * len(names) + variant)) < len(frame):
        raise pd.errors.MergeError("a variant has two rows of the same window")
    size = int(row.max()) + 1
    values = np.full((size, len(names)), np.nan)
    values[row, variant] = frame[column].to_numpy(dtype=float)
    of_row = np.empty((3, size), dtype=np.int64)  # stratum, trace and number of each window
    of_row[:, row] = stratum, trace, frame["window"].to_numpy()
    traces = _slices(of_row[0], of_row[1])
    workload = np.empty(size, dtype=object)
    workload[row] = frame["workload"].to_numpy(dtype=object)
    workloads = [str(workload[stratum[0].start]) for stratum in traces]
    return Alignment([str(name) for name in names], values, of_row[2], traces, workloads)


def _numbered(frame: pd.DataFrame, columns: Sequence[str], within: IntArray | None = None) -> IntArray:
    """Number the distinct values of some columns from 0, in their order, within numbers given before."""
    number = np.zeros(len(frame), dtype=np.int64) if within is None else within
    for column in columns:
        codes, values = pd.factorize(frame[column], sort=True)
        number = np.unique(number * (len(values) + 1) + codes + 1, return_inverse=True)[1]
    return number


def _slices(stratum_W: IntArray, trace_W: IntArray) -> list[list[slice]]:
    ends = [*(np.flatnonzero(np.diff(trace_W)) + 1), len(trace_W)]
    traces: list[list[slice]] = [[] for _ in range(int(stratum_W.max()) + 1)]
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        traces[stratum_W[start]].append(slice(int(start), int(end)))
    return traces
