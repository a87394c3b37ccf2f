"""Rows that a comparison is restricted to."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from eplb_variants.errors import EplbError, unknown

CHOSEN_BY = ("variant", "workload", "topology", "seed")
"""Columns that rows can be chosen by."""


def chosen(frame: pd.DataFrame, where: Sequence[str]) -> pd.DataFrame:
    """Return the rows that have one of the values of each choice.

    Args:
        frame: rows by window.
        where: choices, ``COLUMN=VALUE,VALUE``; rows must meet them all. A name stands for what was changed of it, too:
            ``workload=mild`` for ``mild[windows=8]``.

    Raises:
        EplbError: a choice is not written so, names another column, or a value that nothing has.
    """
    for choice in where:
        column, given, values = choice.partition("=")
        if not given or not values:
            raise EplbError(f"--where is {choice!r}: it must be COLUMN=VALUE, such as topology=adrs")
        if column not in CHOSEN_BY:
            raise unknown("column to choose by called", column, CHOSEN_BY)
        whole = frame[column].astype(str)
        plain = whole.str.partition("[")[0]
        kept = pd.Series(False, index=frame.index)
        for value in values.split(","):
            meant = (whole == value) | (plain == value)
            if not meant.any():
                raise unknown(f"measured {column}", value, sorted({*plain, *whole}))
            kept |= meant
        frame = frame[kept]
    return frame
