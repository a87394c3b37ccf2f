"""Which workloads are taken together where one number speaks for several."""

from __future__ import annotations

import pandas as pd


def ordinary_rows(good: pd.DataFrame) -> pd.DataFrame:
    """Return the rows on workloads that are pooled; all where there are no others.

    Pathological workloads are reported by themselves: one expert with nine of ten tokens moves a mean over fifteen
    workloads by more than all else in it.

    Args:
        good: rows by window. Where the column ``pooled`` is missing, or null, they were written before there was one.
    """
    if "pooled" not in good:
        return good
    ordinary = good[good["pooled"].ne(False)]
    return good if ordinary.empty else ordinary
