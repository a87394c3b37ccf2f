"""The share of the judge and the sandbox: what the program itself takes is not in it."""

from __future__ import annotations

import pytest

from evaluator.bench.share import PADDED, measure_share
from evaluator.candidates.judging.checks import Invalid
from evaluator.candidates.judging.trial import LOADS
from evaluator.candidates.program import Program, example_program
from evaluator.candidates.scoring import DEFAULTS
from evaluator.candidates.settings import Choices, settings_of
from evaluator.progress import Silent
from evaluator.sweep.plan import make_plan


@pytest.fixture(scope="module")
def settings():
    small = ["workload.num_layers=2", "workload.windows=2", "measure=quality"]
    return settings_of(make_plan([*DEFAULTS, *small]), Choices(seed=0, traces=1, held_out=0))


def padded(seconds):
    return Program("padded", PADDED.format(source=example_program().source, seconds=seconds))


def test_a_program_that_takes_longer_leaves_the_share_of_a_call_as_it_is(settings):
    """A call of .3 s has .3 s more than one of none; were it in the share, that would be most of the time."""
    share = measure_share(padded(0.3), settings, 1, Silent())
    assert share.calls == 1 + LOADS  # the load of no use, and those that a process is asked about
    assert 0 < share.percent < 50
    assert share.p95_ms > 0


def test_a_program_that_fails_is_none_to_measure_with(settings):
    with pytest.raises(Invalid):
        measure_share(Program("fails", "def rebalance_experts(*call): raise ValueError"), settings, 1, Silent())
