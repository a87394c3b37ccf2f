"""A whole comparison: a summary per workload, the one over all, and the aggregates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from evaluator.analysis.aggregate import aggregate, comparable
from evaluator.analysis.pooling import ordinary_rows
from evaluator.analysis.score import Score
from evaluator.analysis.summary import by_workload, summarise
from evaluator.analysis.views import view_of

UNSEEN = (
    "num_windows",
    "num_experts",
    "num_slots",
    "num_groups",
    "num_nodes",
    "variant_config",
    "workload_config",
    "overrides",
    "place_seconds_min",
    "place_seconds_iqr",
    "first_place_seconds",
    "timing_key",
    "version",
)
"""Stored columns that no table, view or plot needs."""
PICTURED = ("gpu_load", "gpu_load_contiguous")
"""Stored columns that only heat maps and the view by layer show."""


@dataclass(frozen=True)
class Part:
    """One workload on one topology, or all of them: its title, its rows by window and its summary."""

    title: str
    rows: pd.DataFrame
    summary: pd.DataFrame


@dataclass(frozen=True)
class Comparison:
    """What a comparison found.

    Args:
        reference: variant that differences are to.
        score: in the summaries.
        parts: by workload and topology, those on which the reference was measured.
        overall: all rows that are pooled; the only part itself where there is one.
        aggregates: across workloads, as ``aggregate`` returns them; none where there is one workload.
        left_out: variants that are not among the aggregates, for they lack a trace of the reference.
        without_reference: the rows of workloads on which the reference was not measured, by title.
    """

    reference: str
    score: Score
    parts: Sequence[Part]
    overall: Part
    aggregates: pd.DataFrame | None
    left_out: Sequence[str]
    without_reference: Mapping[str, pd.DataFrame]

    @property
    def tables(self) -> list[Part]:
        """The parts, and all together where there are several."""
        return [*self.parts] if self.aggregates is None else [*self.parts, self.overall]

    @property
    def rows(self) -> pd.DataFrame:
        """All rows, whether they are pooled or not."""
        return pd.concat([*(part.rows for part in self.parts), *self.without_reference.values()])


def comparison_of(good: pd.DataFrame, reference: str, score: Score) -> Comparison:
    """Compare variants.

    Args:
        good: rows by window of cells that went well.
        reference: variant that differences are to.
        score: computed for every summary.

    Raises:
        EplbError: the reference was not measured anywhere.
    """
    split = by_workload(good)
    if len(split) < 2:
        only = Part(split[0][0] if split else "", good, summarise(good, reference, score))
        return Comparison(reference, score, [only], only, None, [], {})
    pooled = pooled_rows(good, reference)
    overall = Part(_title(split, pooled), pooled, summarise(pooled, reference, score))
    measured = {title for title, rows in split if reference in set(rows["variant"])}
    return Comparison(
        reference,
        score,
        [Part(title, rows, summarise(rows, reference, score)) for title, rows in split if title in measured],
        overall,
        aggregate(pooled, reference),
        left_out=comparable(pooled, reference)[1],
        without_reference={title: rows for title, rows in split if title not in measured},
    )


def pooled_rows(good: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Return the rows of the workloads that count together; all where those have none of the reference."""
    pooled = ordinary_rows(good)
    return pooled if (pooled["variant"] == reference).any() else good


def _title(split: Sequence[tuple[str, pd.DataFrame]], pooled: pd.DataFrame) -> str:
    number = len(by_workload(pooled))
    rest = len(split) - number
    return f"all {len(split)} workloads and topologies" + (f" but {rest} pathological" if rest else "")


def view_frame(comparison: Comparison, by: str) -> pd.DataFrame:
    """Return the rows of a view of every workload, with a column ``load`` for its title; see ``view_of``."""
    frames = []
    for part in comparison.parts:
        view = view_of(part.rows, comparison.reference, by)
        view.insert(0, "load", part.title)
        frames.append(view)
    return pd.concat(frames, ignore_index=True)
