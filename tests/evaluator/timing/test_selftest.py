from __future__ import annotations

import pytest

from eplb_variants import EplbError
from evaluator.progress import Silent
from evaluator.timing.selftest import SelfTest, compare_with_itself


def test_a_variant_and_itself_have_the_same_balancedness():
    result = compare_with_itself("seed", 3, 3, Silent())
    assert result.runs == 3
    assert result.balance_same == 3
    assert result.lowest_ratio <= result.median_ratio <= result.highest_ratio


def test_what_depends_on_the_names_of_experts_is_no_equal_of_itself():
    """Experts in their order over the slots: names decide all."""
    result = compare_with_itself("contiguous", 5, 3, Silent())
    assert result.balance_same < 5


def test_it_fails_when_differences_are_seen_too_often():
    result = SelfTest(100, 94, 100, 0.9, 1.0, 1.1, True)
    assert not result.passed
    assert result._replace(time_same=95).passed
    assert not result._replace(time_same=100, balance_same=90).passed


def test_no_runs_are_no_check():
    with pytest.raises(EplbError, match="at least one comparison"):
        compare_with_itself("seed", 0, 3, Silent())
