"""Effects as a table, metric by metric."""

from __future__ import annotations

from collections.abc import Sequence

from evaluator.analysis.ablation.effects import Effect
from evaluator.analysis.ablation.factors import Design, level_text
from evaluator.analysis.statistics import BETTER, SAME, UNSURE, WORSE
from evaluator.shown.ablation.words import Extent, label, p_text, size_text, title, value_text
from evaluator.shown.grid import Grid


def effects_grid(effects: Sequence[Effect], design: Design, extent: Extent, heading: str, every: bool) -> Grid:
    """Return main effects and interactions, the rows of each metric under its name.

    Args:
        effects: as ``measure_effects`` returns them.
        design: their factors.
        extent: what intervals are over.
        heading: of the table.
        every: list all interactions, not only those of which something can be said, the others being counted.
    """
    header, importance = ["effect", "difference", "p (Holm)", "verdict"], [0, 0, 1, 0]
    rows = []
    for metric in dict.fromkeys(effect.metric for effect in effects):
        rows.append([title(metric)])
        rows += _of_metric([effect for effect in effects if effect.metric == metric], every)
    if any(effect.left_out for effect in effects):
        header.append("windows without all levels")
        importance.append(2)
    else:
        rows = [row[: len(header)] for row in rows]
    left = frozenset({"effect", "verdict"})
    return Grid(heading, header, rows, left, caption(design, extent), importance)


def _of_metric(effects: Sequence[Effect], every: bool) -> list[list[str]]:
    shown = [effect for effect in effects if every or _is_shown(effect)]
    rows = [_cells(effect) for effect in shown]
    for verdict in (SAME, UNSURE):
        rest = [effect for effect in effects if effect not in shown and effect.verdict == verdict]
        if rest:
            rows.append([f"{len(rest)} interaction{'s' * (len(rest) > 1)}", size_text(rest), "", verdict, ""])
    return rows


def _is_shown(effect: Effect) -> bool:
    return len(effect.factors) == 1 or effect.verdict in (BETTER, WORSE)


def _cells(effect: Effect) -> list[str]:
    return [label(effect), value_text(effect), p_text(effect.p_holm), effect.verdict, str(effect.left_out)]


def caption(design: Design, extent: Extent) -> str:
    """Return what the numbers are: against what, over what, and what could not be compared."""
    references = ", ".join(f"{factor.name}={level_text(factor.levels[0])}" for factor in design.factors)
    lines = [
        f"against {references}; on the same window, at the same setting of the other factors, averaged over these",
        "an interaction (a x b) is what both levels do together beyond the sum of what each does alone",
        f"95% interval {extent.over}; p from {extent.unit}, after Holm for all effects on a metric",
    ]
    if design.strata:
        varying = "; ".join(f"{name}: {', '.join(map(level_text, levels))}" for name, levels in design.strata.items())
        lines.append(f"not paired but averaged over, for they change the load: {varying}")
    return "\n".join([*lines, *design.notes])
