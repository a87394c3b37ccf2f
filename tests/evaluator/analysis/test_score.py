"""Scores give what was published, and say nothing where a column that they need is missing."""

from __future__ import annotations

import pandas as pd
import pytest

from eplb_variants import EplbError
from evaluator.analysis.score import Score
from evaluator.sweep.plan import load_score

FORK_BASELINE = 0.311077
"""Published expert balance of the fork's first program."""


def leaderboard(balance, seconds):
    return load_score("leaderboard").of_numbers({"balancedness_gpu_next": balance, "place_seconds": seconds})


def adrs(copy, balance, seconds):
    return load_score(f"adrs_{copy}").of_numbers({"balancedness_expert_next": balance, "place_seconds": seconds})


def test_the_fork_is_as_published():
    assert load_score("fork").of_numbers({"balancedness_expert_next": FORK_BASELINE}) == pytest.approx(
        0.655539, abs=1e-6
    )


def test_the_leaderboard_is_as_published():
    assert leaderboard(0.7555, 0.00152) == pytest.approx(74.6, abs=0.05)


@pytest.mark.parametrize(("seconds", "points"), [(1e-4, 10), (1e-3, 10), (2e-3, 5), (10e-3, 1)])
def test_the_leaderboard_gives_points_for_speed_and_takes_none_up_to_10_ms(seconds, points):
    assert leaderboard(0.5, seconds) == pytest.approx(45 + points)


@pytest.mark.parametrize(("seconds", "off"), [(0.011, 0.22), (0.065, 1.3), (0.5, 10), (1.0, 20), (3.0, 20)])
def test_the_leaderboard_takes_points_off_above_10_ms(seconds, off):
    """What the published evaluator takes off, found by running it beside the formula without a penalty."""
    assert leaderboard(0.5, seconds) == pytest.approx(45 + 0.01 / seconds - off)


@pytest.mark.parametrize(("copy", "score"), [("openevolve", 0.20), ("skydiscover", 0.16)])
def test_adrs_is_what_the_published_code_gave_for_a_placement_of_half_a_millisecond(copy, score):
    assert adrs(copy, FORK_BASELINE, 0.0006) == pytest.approx(score, abs=0.005)


def test_adrs_is_what_was_published_of_its_first_program():
    """SkyDiscover's baseline: expert balance 0.25, half a second, score 0.126."""
    assert adrs("skydiscover", 0.25, 0.54) == pytest.approx(0.126, abs=0.001)


def test_without_a_time_there_is_no_score():
    assert leaderboard(0.5, None) is None
    assert adrs("openevolve", 0.5, float("nan")) is None


def test_what_is_no_formula_is_named():
    with pytest.raises(EplbError, match="the score 'mine' cannot be computed"):
        Score("mine", "", "balance +", "").of_numbers({"balance": 1.0})


@pytest.mark.parametrize(
    "formula",
    [
        "x.__class__.__init__.__globals__.get('sys').modules.get('os').system('touch HERE')",
        "x.to_csv('HERE')",
        "x.values.tofile('HERE')",
        "x.clip.__self__",
        "x.values",
        "'a' * 999999999",
        "9**9**9**9",
        "9**(9**9)",
        "(9**9)**9",
        "__import__('os')",
        "x.clip(upper=x.to_csv('HERE'))",
        "x.clip(1, 2)",
        "log10(x, out=1)",
        "[x for y in x]",
        "lambda: x",
        "x if x else x",
        "x[0]",
        "@pd",
        "x; x",
        "(y := x)",
        "-" * 20000 + "x",
        "(" * 900 + "x" + ")" * 900,
        "x << 999999999",
        "f'{x}'",
        "1j * x",
    ],
)
def test_a_formula_is_arithmetic_and_nothing_else(tmp_path, formula):
    """It may come with a stranger's configuration."""
    with pytest.raises(EplbError, match="the score 'mine' cannot be computed: ."):
        Score("mine", "", formula.replace("HERE", str(tmp_path / "here")), "").of_numbers({"x": 1.0})
    assert list(tmp_path.iterdir()) == []


def test_no_text_is_a_column_of_a_formula():
    """Times a number, it would be as long as that."""
    summary = pd.DataFrame({"x": [1.0, None], "variant": ["deepseek", None]})
    assert Score("mine", "", "x * 2", "").of(summary).tolist()[0] == 2
    with pytest.raises(EplbError, match="'variant' is not defined"):
        Score("mine", "", "variant * 999999999", "").of(summary)


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("(x > 2) * 3 + (x <= 2) * x ** 2", 3.0),
        ("-log10(x * 25) + abs(-x)", 2.0),
        ("(x / 0.5).clip(lower=1, upper=4.5) + sqrt(x)", 6.5),
        ("~(x < 1) & (x == 4) | (x != 4)", 1.0),
    ],
)
def test_what_a_formula_may_be_made_of(formula, value):
    assert Score("mine", "", formula, "").of_numbers({"x": 4.0}) == pytest.approx(value)
