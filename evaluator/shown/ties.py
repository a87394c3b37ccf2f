"""What breaking ties does, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from evaluator.analysis.ties import Ties
from evaluator.shown.grid import Grid
from evaluator.shown.words import MISSING, listed, number

CAPTION = (
    "what ties do: the reference's mean over copies of the same windows with experts renamed, from which nothing else "
    "can change\ntwo copies: they differ by less in 95 of 100 pairs; intervals of differences over windows hold this "
    "already\nwithin: verdicts on smaller differences than that; other names of experts could have turned them"
)


def ties_grid(ties: Sequence[Ties], reference: str) -> Grid:
    """Return what ties do on each load as a table."""
    header = ("load", reference, "standard deviation", "largest", "two copies", "within")
    rows = [
        (
            one.title,
            number(one.mean),
            number(one.sd, ".5f"),
            number(one.largest),
            number(one.reach),
            listed(one.within) or MISSING,
        )
        for one in ties
    ]
    title = f"ties: {reference} with experts renamed, {ties[0].renamings} times"
    return Grid(title, header, rows, frozenset({"load", "within"}), CAPTION, (0, 1, 1, 2, 0, 0), elsewhere="--json")
