"""Forecasters that look at the past by a fixed rule."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import EplbError
from eplb_variants.forecasting.quantile import Quantile
from eplb_variants.forecasting.trend import Trend

LINE = np.array([[[1.0, 8.0]], [[2.0, 6.0]], [[3.0, 4.0]], [[4.0, 2.0]]])
"""Two experts in one layer: one gains 1 a window, the other loses 2."""


@pytest.mark.parametrize(("damping", "expected"), [(1.0, [5.0, 0.0]), (0.5, [3.75, 2.5]), (0.0, [2.5, 5.0])])
def test_a_line_is_drawn_on_as_far_as_its_slope_is_believed(damping, expected):
    np.testing.assert_allclose(Trend(damping=damping)(LINE), [expected])


def test_a_line_does_not_lead_below_zero_and_goes_through_the_last_windows_alone():
    np.testing.assert_allclose(Trend(damping=1.0)(LINE[1:, :, ::-1] - 2), [[0.0, 3.0]])
    far = np.concatenate([np.full((3, 1, 2), 1000.0), LINE])
    np.testing.assert_allclose(Trend(damping=1.0)(far), [[5.0, 0.0]], atol=1e-12)


def test_a_quantile_is_taken_expert_by_expert():
    np.testing.assert_allclose(Quantile(q=0.5)(LINE), [[2.5, 5.0]])
    np.testing.assert_allclose(Quantile(q=1.0)(LINE), [[4.0, 8.0]])
    np.testing.assert_allclose(Quantile(q=1.0, windows=2)(LINE), [[4.0, 4.0]])


@pytest.mark.parametrize(
    ("forecaster", "settings"),
    [(Trend, {"windows": 1}), (Trend, {"damping": 1.5}), (Quantile, {"q": 0.0}), (Quantile, {"windows": 0})],
)
def test_a_parameter_that_cannot_be_is_refused(forecaster, settings):
    with pytest.raises(EplbError, match=next(iter(settings))):
        forecaster(**settings)
