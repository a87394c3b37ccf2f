"""How programs are judged follows from a plan; what its traces are drawn from is drawn once and kept out of sight."""

from __future__ import annotations

import numpy as np
import pytest

from eplb_variants import EplbError
from evaluator.candidates.sandbox.limits import Limits
from evaluator.candidates.scoring import DEFAULTS
from evaluator.candidates.settings import HELD_OUT_TRACES, TRACES, Choices, drawn_seeds, settings_of
from evaluator.sweep.plan import make_plan


def test_a_plan_gives_workload_topology_score_and_timing(tmp_path):
    plan = make_plan([*DEFAULTS, "topology=vllm_wide", "score=leaderboard", f"runs_dir={tmp_path}", "timing.rounds=7"])
    settings = settings_of(plan, Choices(seed=3, limits=Limits(cpu_seconds=9), isolation="none", jobs=2))
    names = settings.workload_name, settings.topology_name, settings.score.name, settings.suite
    assert names == ("quick", "vllm_wide", "leaderboard", None)
    assert settings.timing is not None
    assert settings.timing.rounds == 7
    assert (settings.limits.cpu_seconds, settings.isolation, settings.jobs) == (9, "none", 2)


def test_traces_of_both_parts_are_drawn_and_none_is_in_both(tmp_path):
    plan = make_plan([*DEFAULTS, f"runs_dir={tmp_path}"])
    settings = settings_of(plan, Choices(seed=3))
    (training,), (held_out,) = settings.training, settings.held_out
    assert (len(training.seeds), len(held_out.seeds)) == (TRACES, HELD_OUT_TRACES)
    assert len({*training.seeds, *held_out.seeds}) == TRACES + HELD_OUT_TRACES
    assert not np.array_equal(training.traces[0], training.traces[1])
    (more,) = settings_of(plan, Choices(seed=3, traces=TRACES + 1)).training
    assert more.seeds[:TRACES] == training.seeds
    assert drawn_seeds(3, 2, 2) != drawn_seeds(4, 2, 2)
    assert settings_of(plan, Choices(seed=3, held_out=0)).held_out == ()


def test_a_workload_without_a_seed_is_one_trace_and_nothing_is_held_out(tmp_path):
    plan = make_plan(["workload=all_equal", f"runs_dir={tmp_path}"])
    settings = settings_of(plan)
    assert [one.seeds for one in settings.training] == [(0,)]
    assert settings.held_out == ()


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"traces": 0}, "--traces is 0: it must be 1 or more"),
        ({"held_out": -1}, "--held-out is -1: it must be 0 or more"),
        ({"traces": 10**9}, "--traces is 1000000000: it must be 100,000 at most"),
        ({"held_out": 10**9}, "--held-out is 1000000000: it must be 100,000 at most"),
    ],
)
def test_numbers_out_of_range_are_refused(tmp_path, numbers, said):
    plan = make_plan([*DEFAULTS, f"runs_dir={tmp_path}"])
    with pytest.raises(EplbError, match=said):
        settings_of(plan, Choices(seed=0, **numbers))


def test_quality_alone_is_not_timed(tmp_path):
    plan = make_plan([*DEFAULTS, "measure=quality", f"runs_dir={tmp_path}"])
    assert settings_of(plan, Choices(seed=0)).timing is None


def test_traces_are_drawn_anew_each_time_and_verdicts_hold_for_all_that_are_drawn(tmp_path):
    plan = make_plan([*DEFAULTS, f"runs_dir={tmp_path}"])
    one, other = settings_of(plan), settings_of(plan)
    assert set(one.training[0].seeds).isdisjoint(other.training[0].seeds)
    assert one.identity == other.identity
    known, another = settings_of(plan, Choices(seed=0)), settings_of(plan, Choices(seed=1))
    assert known.training[0].seeds == settings_of(plan, Choices(seed=0)).training[0].seeds
    assert known.identity != another.identity != one.identity
    assert settings_of(plan, Choices(traces=9)).identity != one.identity
    assert settings_of(plan, Choices(strict=True)).identity != one.identity
