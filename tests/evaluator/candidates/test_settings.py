"""How programs are judged follows from a plan; the seed of a run is drawn once and kept out of sight."""

from __future__ import annotations

from evaluator.candidates.sandbox.limits import Limits
from evaluator.candidates.scoring import DEFAULTS
from evaluator.candidates.settings import hidden_seed, settings_of
from evaluator.sweep.plan import make_plan


def test_a_plan_gives_workload_topology_score_and_timing(tmp_path):
    plan = make_plan([*DEFAULTS, "topology=vllm_wide", "score=leaderboard", f"runs_dir={tmp_path}", "timing.rounds=7"])
    settings = settings_of(plan, seed=3, limits=Limits(cpu_seconds=9), isolation="none", jobs=2)
    assert (settings.workload.name, settings.topology_name, settings.score.name) == (
        "quick",
        "vllm_wide",
        "leaderboard",
    )
    assert settings.timing is not None
    assert settings.timing.rounds == 7
    assert (settings.seed, settings.limits.cpu_seconds, settings.isolation, settings.jobs) == (3, 9, "none", 2)


def test_quality_alone_is_not_timed(tmp_path):
    plan = make_plan([*DEFAULTS, "measure=quality", f"runs_dir={tmp_path}"])
    assert settings_of(plan, seed=0).timing is None


def test_the_seed_of_a_folder_is_drawn_once_and_read_by_its_owner_alone(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    assert hidden_seed(one) == hidden_seed(one)
    assert hidden_seed(one) != hidden_seed(two), "one in two thousand million times it is"
    assert (one / "_seed").stat().st_mode & 0o077 == 0
    assert [path.name for path in one.iterdir()] == ["_seed"]
