"""Scores: formulas over metrics and times, so that a result can be scored as published and as it should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eplb_variants.errors import EplbError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Score:
    """A score.

    Args:
        name: what it is called.
        summary: one line.
        formula: over the columns of a summary (means over windows), in the grammar of ``pandas.DataFrame.eval``.
        blind: what the score cannot see.
    """

    name: str
    summary: str
    formula: str
    blind: str

    def of(self, summary: pd.DataFrame) -> pd.Series:
        """Return the score of each row; missing where a column that it needs was not measured.

        Raises:
            EplbError: the formula names something that is no column, or is no formula.
        """
        import pandas as pd

        try:
            values = summary.eval(self.formula, engine="python")
            return pd.Series(values, index=summary.index, dtype=float)
        except Exception as error:
            raise EplbError(f"the score {self.name!r} cannot be computed: {error}") from None

    def of_numbers(self, numbers: Mapping[str, float | None]) -> float | None:
        """Return the score of one thing from its numbers by column; None where one that it needs is None or NaN.

        Raises:
            EplbError: as ``of``.
        """
        import pandas as pd

        value = self.of(pd.DataFrame([numbers], dtype=float)).iloc[0]
        return None if pd.isna(value) else float(value)
