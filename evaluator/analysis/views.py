"""Closer looks: the difference on every window, the peak of every layer.

Shapes: L layers, G GPUs.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from eplb_variants.errors import EplbError
from evaluator.analysis.alignment import align
from evaluator.analysis.summary import headline_of

BY_WINDOW, BY_LAYER = "window", "layer"
VIEWS = (BY_WINDOW, BY_LAYER)
VALUE = {BY_WINDOW: "difference", BY_LAYER: "peak"}
"""The column that a view shows."""


def view_of(part: pd.DataFrame, reference: str, by: str) -> pd.DataFrame:
    """Return the rows of a view of one workload; see ``by_window`` and ``by_layer``."""
    return by_window(part, reference) if by == BY_WINDOW else by_layer(part)


def by_window(part: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Return the paired difference of the headline to the reference on each window, a row per window and variant.

    Args:
        part: rows by window of one workload on one topology.
        reference: variant that differences are to; it has no rows of its own.

    Columns: ``window``, ``variant``, ``difference`` the mean over the traces that have the window, ``least`` and
    ``most`` over them, ``traces`` their number. Windows on which one of the two was not judged are left out.
    """
    aligned = align(part, headline_of(part))
    base_W = aligned.of(reference)
    long = pd.concat(
        pd.DataFrame({"window": aligned.windows, "variant": name, "difference": aligned.of(name) - base_W})
        for name in aligned.variants
        if name != reference
    ).dropna()
    groups = long.groupby(["window", "variant"], as_index=False)["difference"]
    return groups.agg(["mean", "min", "max", "count"]).rename(
        columns={"mean": "difference", "min": "least", "max": "most", "count": "traces"}
    )


def by_layer(part: pd.DataFrame) -> pd.DataFrame:
    """Return the peak of each layer on the pictured windows, a row per layer and variant.

    Args:
        part: rows by window of one workload on one topology.

    Columns: ``layer``, ``variant``, ``peak`` the load of the fullest GPU over the mean of the layer (1 is perfect),
    mean over the cells of the variant, and ``cells`` their number. Layers without any load are left out.

    Raises:
        EplbError: no load per GPU was stored.
    """
    pictured = part[part["gpu_load"].notna()]
    if pictured.empty:
        raise EplbError("the load per GPU and layer was not stored for any of these cells: there is no view by layer")
    frames = []
    columns = (pictured[name] for name in ("variant", "gpu_load", "num_layers", "num_gpus"))
    for variant, load, num_layers, num_gpus in zip(*columns, strict=True):
        load_LG = np.reshape(np.asarray(load, dtype=float), (num_layers, num_gpus))
        used = np.flatnonzero(load_LG.any(axis=1))
        peaks = load_LG[used].max(axis=1) / load_LG[used].mean(axis=1)
        frames.append(pd.DataFrame({"layer": used, "variant": variant, "peak": peaks}))
    groups = pd.concat(frames).groupby(["layer", "variant"], as_index=False)["peak"]
    return groups.agg(["mean", "count"]).rename(columns={"mean": "peak", "count": "cells"})


def pivot(view: pd.DataFrame, by: str, order: list[str], most_rows: int) -> pd.DataFrame:
    """Return a view as a table: a row per window or layer, a column per variant.

    Args:
        view: rows of a view.
        by: which.
        order: of the columns; variants that are not in the view are passed over.
        most_rows: more windows or layers than that are averaged in equal runs.

    The index says which windows or layers a row is of, such as ``7`` or ``0-3``.
    """
    table = view.pivot(index=by, columns="variant", values=VALUE[by])
    table = table[[name for name in order if name in table]]
    size = -(-len(table) // most_rows)
    if size > 1:
        numbers = np.arange(len(table)) // size
        firsts, lasts = (table.index.to_series().groupby(numbers).agg(end) for end in ("first", "last"))
        labels = [str(a) if a == b else f"{a}-{b}" for a, b in zip(firsts, lasts, strict=True)]
        table = table.groupby(numbers).mean().set_axis(labels, axis=0)
    return table.set_axis(table.index.astype(str), axis=0)
