"""Effects as a table on a terminal, metric by metric."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from evaluator.analysis.ablation.effects import Effect
from evaluator.analysis.ablation.factors import Design, level_text
from evaluator.analysis.ablation.study import Extent
from evaluator.analysis.statistics import BETTER, SAME, UNSURE, WORSE
from evaluator.shown.ablation.words import label, p_text, size_text, title, value_text

COLOURS = {BETTER: "green", WORSE: "red"}


def effects_table(effects: Sequence[Effect], design: Design, extent: Extent, heading: str, every: bool) -> Table:
    """Return main effects and interactions, a section for each metric.

    Args:
        effects: as ``measure_effects`` returns them.
        design: their factors.
        extent: what intervals are over.
        heading: of the table.
        every: list all interactions, not only those of which something can be said, the others being counted.
    """
    table = Table(
        title=escape(heading),
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        caption=escape(caption(design, extent)),
        caption_justify="left",
    )
    table.add_column("effect", overflow="fold")
    table.add_column("difference", justify="right")
    table.add_column("p (Holm)", justify="right")
    table.add_column("verdict")
    left_out = any(effect.left_out for effect in effects)
    if left_out:
        table.add_column("left out", justify="right")
    for metric in dict.fromkeys(effect.metric for effect in effects):
        table.add_row(f"[bold]{escape(title(metric))}[/]")
        of_metric = [effect for effect in effects if effect.metric == metric]
        shown = [effect for effect in of_metric if every or _is_shown(effect)]
        for effect in shown:
            table.add_row(*_cells(effect), *([str(effect.left_out)] if left_out else []))
        for verdict in (SAME, UNSURE):
            rest = [effect for effect in of_metric if effect not in shown and effect.verdict == verdict]
            if rest:
                table.add_row(f"  {len(rest)} interaction{'s' * (len(rest) > 1)}", size_text(rest), "", verdict)
        table.add_section()
    return table


def _is_shown(effect: Effect) -> bool:
    return len(effect.factors) == 1 or effect.verdict in (BETTER, WORSE)


def _cells(effect: Effect) -> list[str]:
    colour = COLOURS.get(effect.verdict)
    verdict = f"[{colour}]{effect.verdict}[/]" if colour else effect.verdict
    return [f"  {escape(label(effect))}", escape(value_text(effect)), p_text(effect.p_holm), verdict]


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
