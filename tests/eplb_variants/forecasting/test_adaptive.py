"""The adaptive forecaster: an average where noise dominates, the last window where load drifts, anew after a jump."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import EplbError
from eplb_variants.forecasting.adaptive import Adaptive

LEVEL = np.random.default_rng(0).lognormal(sigma=0.8, size=(3, 64))
LEVEL /= LEVEL.sum(axis=1, keepdims=True)


def counts(draw, share_LE, tokens=4000):
    return np.stack([draw.multinomial(tokens, share_E) for share_E in share_LE]).astype(float)


def error(forecast_LE, share_LE):
    return float(np.abs(forecast_LE / forecast_LE.sum(axis=1, keepdims=True) - share_LE).sum())


def test_noise_is_averaged_out():
    draw = np.random.default_rng(1)
    history = np.stack([counts(draw, LEVEL) for _ in range(16)])
    assert error(Adaptive()(history), LEVEL) < 0.45 * error(history[-1], LEVEL)
    assert error(Adaptive()(history), LEVEL) < 1.4 * error(history.mean(axis=0), LEVEL)


def test_drift_is_followed():
    draw = np.random.default_rng(2)
    walk = np.cumsum(np.concatenate([np.log(LEVEL)[None], draw.normal(0, 0.5, (15, 3, 64))]), axis=0)
    share = np.exp(walk) / np.exp(walk).sum(axis=2, keepdims=True)
    history = share * 1e6
    assert error(Adaptive()(history), share[-1]) < 0.1 * error(history.mean(axis=0), share[-1])


def test_a_jump_is_a_new_beginning():
    draw = np.random.default_rng(3)
    after = draw.permuted(LEVEL, axis=1)
    history = np.stack([counts(draw, LEVEL) for _ in range(10)] + [counts(draw, after) for _ in range(5)])
    adaptive, last = error(Adaptive()(history), after), error(history[-1], after)
    assert adaptive < 0.75 * last
    assert error(history.mean(axis=0), after) > 3 * last


@pytest.mark.parametrize("pattern", ["aab", "aaabbc", "aabbcc", "abbbcccd"])
def test_jumps_are_seen_in_a_short_past_and_where_every_other_window_is_one(pattern):
    """The last window is of a level that it has just jumped to, or of one that has little past."""
    draw = np.random.default_rng(5)
    levels = {name: draw.permuted(LEVEL, axis=1) for name in "abcd"}
    history = np.stack([counts(draw, levels[name], 40_000) for name in pattern])
    now = levels[pattern[-1]]
    assert error(Adaptive()(history), now) <= 1.01 * error(history[-1], now)


def test_a_window_without_load_says_nothing():
    draw = np.random.default_rng(4)
    history = np.stack([counts(draw, LEVEL) for _ in range(9)])
    history[4] = 0
    assert error(Adaptive()(history), LEVEL) < 0.6 * error(history[-1], LEVEL)
    often = np.stack([counts(draw, LEVEL) for _ in range(12)])
    often[::2] = 0
    assert error(Adaptive()(often), LEVEL) < 0.8 * error(often[-1], LEVEL)


def test_layers_without_load_stay_without():
    history = np.stack([LEVEL * 100] * 5)
    history[:, 1] = 0
    forecast = Adaptive()(history)
    assert not forecast[1].any()
    np.testing.assert_allclose(forecast[0], LEVEL[0] * 100)


@pytest.mark.parametrize("settings", [{"windows": 0}, {"pool": 1.5}, {"jump": 1.0}])
def test_bad_parameters_are_refused(settings):
    with pytest.raises(EplbError, match=f"{next(iter(settings))} is"):
        Adaptive(**settings)
