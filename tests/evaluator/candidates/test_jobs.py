"""Candidates in the jobs of a launcher: verdicts as in one process, times by one job, and nothing lost with a job."""

from __future__ import annotations

import os

import pytest

from eplb_variants import EplbError
from evaluator.candidates import jobs
from evaluator.candidates.jobs import dealt
from evaluator.candidates.judging.judge import ParentUnusable
from evaluator.candidates.judging.schema import IDENTICAL, INVALID
from evaluator.candidates.program import example_program
from evaluator.candidates.scoring import DEFAULTS, score_candidates
from evaluator.candidates.settings import Choices
from evaluator.config.launching import Capacity, Failure
from evaluator.sweep.plan import make_plan

from .conftest import LIMITS

SMALL = ["workload.num_layers=2", "workload.windows=3"]
JOBLIB = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
HERE = ["hydra/launcher=basic"]
"""Hydra's own launcher, which works in the process that starts it."""
CHOICES = Choices(seed=0, limits=LIMITS, traces=2, held_out=2)


def written(folder, sources):
    """Return the paths of programs that are written to a folder."""
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source)
    return [folder / f"{name}.py" for name in sources]


def score(folder, files, *overrides, choices=CHOICES, **more):
    plan = make_plan([*DEFAULTS, f"runs_dir={folder}", *SMALL, *overrides])
    return score_candidates(files, plan, choices=choices, **more)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """Return the files of three programs: two that are their parent, and one that fails."""
    folder, source = tmp_path_factory.mktemp("programs"), example_program().source
    return written(folder, {"a": source + "\n# a\n", "b": source + "\n# b\n", "c": "x = 1"})


@pytest.mark.parametrize(
    ("jobs_at_once", "shares"), [(2, [["a", "c", "e"], ["b", "d"]]), (9, [["a"], ["b"], ["c"], ["d"], ["e"]])]
)
def test_programs_are_dealt_to_as_many_jobs_as_there_are(jobs_at_once, shares):
    assert dealt("abcde", Capacity(jobs_at_once, here=True, reused=True)) == tuple(map(tuple, shares))


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system does not say which cores there are")
def test_shares_on_one_machine_have_cores_of_their_own_as_far_as_there_are_so_many():
    available = os.sched_getaffinity(0)
    for shares in (1, len(available), 3 * len(available)):
        cores = jobs._cores_of(shares)
        assert len(cores) == shares
        assert {core for own in cores for core in own} == available
        assert sum(map(len, cores)) == max(shares, len(available))


def test_jobs_judge_as_one_process_does_and_what_they_judged_is_kept(tmp_path, programs):
    here = score(tmp_path, programs, "run=here", "measure=quality")
    there = score(tmp_path, programs, "run=there", "measure=quality", *JOBLIB)
    assert here.heading["isolation"] == there.heading["isolation"]
    said = ("isolation", "key", "candidate", "verdict", "detail", "windows", "traces", "stage", "same_as")
    for one, other in zip(here.rows, there.rows, strict=True):
        assert {name: one.get(name) for name in said} == {name: other.get(name) for name in said}
        if one["verdict"] != INVALID:  # labels are drawn for every call, and how a tie falls hangs on them
            assert one["balancedness_gpu_next"] == pytest.approx(other["balancedness_gpu_next"], abs=0.05)
    assert [row["verdict"] for row in there.rows] == [IDENTICAL, IDENTICAL, INVALID]
    again = score(tmp_path, programs, "run=there", "measure=quality", *JOBLIB)
    assert [row["measured_at"] for row in again.rows] == [row["measured_at"] for row in there.rows]


@pytest.mark.long
def test_times_are_taken_by_one_job_and_not_of_what_failed(tmp_path, programs):
    scores = score(tmp_path, programs, "run=timed", "timing.rounds=3", "timing.min_rounds=3", *JOBLIB)
    assert [row["place_seconds"] is not None for row in scores.rows] == [True, True, False]


@pytest.mark.long
def test_a_parent_that_cannot_be_judged_against_is_said_as_without_jobs(tmp_path, programs):
    (parent,) = written(tmp_path, {"parent": "def rebalance_experts(*call): raise ValueError('no')"})
    with pytest.raises(ParentUnusable, match="the parent 'parent' cannot be judged against"):
        score(tmp_path, programs, "measure=quality", *HERE, parent=parent)


@pytest.mark.long
def test_a_job_that_is_lost_loses_its_own_share_alone(tmp_path, programs, monkeypatch):
    """What the others judged is in the folder, and the same command judges the rest."""

    def one_is_lost(task, words, launcher, folder):
        _, *others = [task(word) for word in words]
        return [Failure("a job was killed"), *others]

    monkeypatch.setattr(jobs, "capacity", lambda launcher: Capacity(3, here=True, reused=True))
    score(tmp_path, programs[:1], "run=lost", "measure=quality")  # the share that is lost has one that is there
    monkeypatch.setattr(jobs, "launch", one_is_lost)
    with pytest.raises(EplbError, match="1 of the launcher's jobs failed; what was judged is kept.*: a job was killed"):
        score(tmp_path, programs, "run=lost", "measure=quality", *HERE)
    assert len(list((tmp_path / "lost").glob("*.parquet"))) == 3
