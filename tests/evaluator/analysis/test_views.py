from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from eplb_variants import EplbError
from evaluator.analysis.alignment import PAIR, STRATUM, align
from evaluator.analysis.views import by_layer, by_window, pivot


def paired(frame, base, column):
    """Return the differences of a column on the windows that both have: by stratum, an array per trace."""
    both = frame[[*PAIR, column]].merge(base[[*PAIR, column]], on=PAIR, suffixes=("", "_base"), validate="one_to_one")
    both["difference"] = both[column] - both[f"{column}_base"]
    return series_of(both, "difference")


def series_of(frame, column):
    """Return the values of a column: by stratum, an array per trace."""
    strata = frame.sort_values(PAIR).groupby(STRATUM, sort=True)
    return [[trace[column].to_numpy() for _, trace in stratum.groupby("seed")] for _, stratum in strata]


def test_aligned_series_are_those_of_the_rows(many):
    """In the order of the rows or out of it, and with a window that one variant lacks."""
    shuffled = many.sample(frac=1, random_state=0).drop(index=7)
    aligned = align(shuffled, "balancedness_gpu_next")
    base = shuffled[shuffled["variant"] == "base"]
    for name in aligned.variants:
        own = shuffled[shuffled["variant"] == name]
        pairs = zip(
            aligned.split(aligned.of(name)) + aligned.split(aligned.of(name) - aligned.of("base")),
            series_of(own, "balancedness_gpu_next") + paired(own, base, "balancedness_gpu_next"),
            strict=True,
        )
        for ours, theirs in pairs:
            for a, b in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(a[~np.isnan(a)], b)


def test_two_rows_of_a_window_are_a_mistake(many):
    with pytest.raises(pd.errors.MergeError, match="two rows of the same window"):
        align(pd.concat([many, many.head(1)]), "balancedness_gpu_next")


def test_differences_by_window_are_means_over_traces(many):
    part = many[many["workload"] == "w0"]
    view = by_window(part, "base").set_index(["variant", "window"])
    wide = part.pivot(index=["window", "seed"], columns="variant", values="balancedness_gpu_next")
    for name in ("up", "down"):
        own = (wide[name] - wide["base"]).groupby("window")
        np.testing.assert_allclose(view.loc[name]["difference"], own.mean())
        np.testing.assert_allclose(view.loc[name]["least"], own.min())
        np.testing.assert_allclose(view.loc[name]["most"], own.max())
    assert view["traces"].eq(3).all()


def test_a_variant_may_be_called_as_a_column_is(rows):
    """The seed is one that is."""
    frame = pd.DataFrame(rows("base", [0.5] * 3) + rows("seed", [0.6] * 3) + rows("window", [0.7, np.nan, 0.7]))
    view = by_window(frame, "base")
    assert pivot(view, "window", ["window", "seed"], 9)["seed"].tolist() == pytest.approx([0.1] * 3)
    assert view["variant"].value_counts().to_dict() == {"seed": 3, "window": 2}


def test_the_peak_of_each_layer_is_over_its_mean(rows):
    load = {"num_layers": 3, "num_gpus": 2}
    frame = pd.DataFrame(
        rows("a", [0.5], gpu_load=[1.0, 1.0, 0.0, 0.0, 0.5, 1.5], **load)
        + rows("a", [0.5], seed=1, gpu_load=[0.8, 1.2, 0.0, 0.0, 1.0, 1.0], **load)
        + rows("b", [0.5], gpu_load=None, **load)
    )
    view = by_layer(frame)
    assert view[["layer", "variant", "cells"]].values.tolist() == [[0, "a", 2], [2, "a", 2]]
    assert view["peak"].tolist() == pytest.approx([1.1, 1.25])
    with pytest.raises(EplbError, match="was not stored"):
        by_layer(frame[frame["variant"] == "b"])


def test_long_views_are_averaged_in_runs():
    view = pd.DataFrame({"window": range(10), "variant": "v", "difference": np.arange(10.0)})
    table = pivot(view, "window", ["other", "v"], 4)
    assert table.index.tolist() == ["0-2", "3-5", "6-8", "9"]
    assert table["v"].tolist() == [1, 4, 7, 9]
    assert pivot(view, "window", ["v"], 10).index.tolist() == [str(n) for n in range(10)]
