"""The gate for continuous integration: what keeps a change out."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from eplb_variants.errors import unknown
from evaluator.analysis.statistics import WORSE, estimate_in


def objections(summary: pd.DataFrame, reference: str, named: Sequence[str] = ()) -> list[str]:
    """Return a sentence for each variant that the gate does not let through; none if it opens.

    Args:
        summary: over all workloads, as ``summarise`` returns it.
        reference: what it is to.
        named: the variants that are judged; all but the reference where none is named.

    A variant is kept out when it is worse than the reference over all workloads together, and when it was not measured
    wherever the others were: it may have crashed where it is hard. One judgement per variant, not one per workload: of
    forty workloads, one would be "worse" by chance. No difference, and too few windows to say, are let through.

    Raises:
        EplbError: a named variant was not measured at all.
    """
    lines = {str(row["variant"]): row for _, row in summary.iterrows()}
    for name in named:
        if name not in lines:
            raise unknown("measured variant", name, lines)
    said = []
    for name in named or lines:
        line = lines[name]
        if name == reference:
            continue
        if line["verdict"] == WORSE:
            said.append(
                f"{name} is worse than {reference}: {estimate_in(line, 'difference').text('+.4f')} "
                f"over {line['windows']} windows"
            )
        elif not line["complete"]:
            said.append(f"{name} was not measured everywhere: {line['cells']} cells, others have {_most(summary)}")
    return said


def _most(summary: pd.DataFrame) -> int:
    return int(summary["cells"].max())
