"""A sweep that is killed, crowded or starved of disk loses at most the cells in progress, and goes on where it was."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf

from eplb_variants import EplbError
from evaluator.cli.evaluate import report
from evaluator.config.launching import WATCH, Failure, Job
from evaluator.quality.replay import replay
from evaluator.results.claims import Claims
from evaluator.results.log import FOLDER
from evaluator.results.store import Store, read_runs
from evaluator.sweep import jobs, measure
from evaluator.sweep import run as sweep
from evaluator.sweep.plan import make_plan
from evaluator.sweep.result import SweepResult
from evaluator.sweep.work import Work, timing_key
from evaluator.sweep.worker import Worker

SWEEP = ["variant=seed,deepseek,contiguous", "workload=mild,quick", "seed=range(0,4)", "measure=quality"]
TINY = ["workload.num_layers=2", "workload.windows=4", "workload.tokens=3000"]
CELLS = 24


@pytest.fixture
def plan(tmp_path):
    """Return a function that makes the plan of a sweep into a run of some name."""

    def make(run="default", *more):
        return make_plan([*SWEEP, *TINY, f"runs_dir={tmp_path}", f"run={run}", *more], multirun=True)

    return make


def quality(folder):
    """Return all that was measured but when, in one order."""
    frame = read_runs([folder]).drop(columns=["run", "measured_at", "cell_seconds"])
    return frame.sort_values(["cell", "window"], ignore_index=True)


def start(plan):
    """Carry out a plan in a process of its own, which begins at once, and return its number."""
    pid = os.fork()
    if pid == 0:
        try:
            sweep.run(plan)
            os._exit(0)
        except BaseException:
            os._exit(1)
    return pid


def ended(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


KILLED_ROUNDS = 25


def killing(monkeypatch, steps):
    """Have the sweep killed at a step of its child: before a row, before a file is renamed, or right after."""
    left = [steps]

    def step():
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(1000)  # it is ended with its parent

    def rows(*arguments):
        for row in replay(*arguments):
            step()
            yield row

    def renamed(path, target):
        step()
        os.replace(path, target)
        step()

    monkeypatch.setattr(measure, "replay", rows)
    monkeypatch.setattr(Path, "replace", renamed)


@pytest.mark.long
def test_killed_at_random_points_again_and_again_it_ends_as_if_it_had_not_been(plan, tmp_path, monkeypatch):
    """Points are counted in steps of the work, six a cell, and not in time: each kill hits, on any machine."""
    sweep.run(plan("whole"))
    folder, draw, before, killed, again = tmp_path / "default", random.Random(5), {}, 0, plan()
    for _ in range(KILLED_ROUNDS):
        with monkeypatch.context() as patched:
            killing(patched, draw.randint(1, 10))
            code = ended(start(again))
        assert code in (0, -signal.SIGKILL)
        killed += code != 0
        whole = {path: path.read_bytes() for path in folder.glob("*.parquet")}
        assert before.items() <= whole.items(), "what was measured is not touched again"
        for path in whole.keys() - before.keys():
            assert set(pd.read_parquet(path)["status"]) == {"ok"}, "no half file is in a reader's way"
        before = whole
    assert killed > KILLED_ROUNDS // 2
    outcome = sweep.run(again)
    assert outcome.measured + outcome.cached == CELLS
    assert outcome.cached == len(before), "at most the cells in progress were lost"
    pd.testing.assert_frame_equal(quality(folder), quality(tmp_path / "whole"))


def test_several_sweeps_into_one_folder_share_the_work(plan, tmp_path):
    shared = plan()
    pids = [start(shared) for _ in range(3)]
    assert [ended(pid) for pid in pids] == [0, 0, 0]
    assert sweep.run(shared).cached == CELLS
    logs = [path.read_text() for path in (tmp_path / "default" / FOLDER).iterdir()]
    assert len(logs) == CELLS
    assert sum(log.count("ok after") for log in logs) == CELLS, "no cell was measured twice"
    sweep.run(plan("whole"))
    pd.testing.assert_frame_equal(quality(tmp_path / "default"), quality(tmp_path / "whole"))


def test_what_another_sweep_has_measured_since_this_one_looked_is_not_measured_again(plan):
    shared = plan("default", "workload=quick", "seed=0", "measure=both", "timing.rounds=3", "timing.min_rounds=3")
    work = Work(shared, timing_key(shared))
    Store(shared.folder).prepare()
    did, steps = [], []
    for _ in range(2):
        result = SweepResult(shared.folder)
        with Worker(work, shared.cells, result, steps.append) as worker:
            worker.measure(shared.cells)  # as if neither had been there when the plan was made
            worker.take_times(shared.cells)
        did.append((result.measured, result.timed))
    assert did == [(3, 3), (0, 0)]
    assert len(steps) == 12, "the bar moves for what others did, too"
    again = sweep.run(plan("default", "workload=quick", "seed=0", "refresh=true"))
    assert again.measured == 3


def test_a_claim_ends_with_its_process(tmp_path):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        claims = Claims(tmp_path)
        with claims.claim("a cell") as ours:
            os.write(writer, b"1" if ours else b"0")
            time.sleep(60)
        os._exit(0)
    assert os.read(reader, 1) == b"1"
    claims = Claims(tmp_path)
    with claims.claim("a cell") as ours, claims.claim("another cell") as another:
        assert (ours, another) == (False, True)
    os.kill(pid, signal.SIGKILL)
    ended(pid)
    with claims.claim("a cell") as ours:
        assert ours
    claims.close()
    os.close(reader)
    os.close(writer)


LIMITED = """
import resource, sys
from evaluator.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.long
def test_a_disk_without_room_is_one_sentence_and_loses_nothing(tmp_path, plan):
    """A file may not grow beyond some size, as if the disk were full: the kernel's own error, not a made one."""
    arguments = ["evaluate", "-m", *SWEEP, *TINY, f"runs_dir={tmp_path}"]
    sweep.run(plan("default", "seed=0"))
    before = quality(tmp_path / "default")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, "4000", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    (sentence,) = done.stderr.strip().splitlines()
    assert "cannot be written" in sentence
    assert "File too large" in sentence
    pd.testing.assert_frame_equal(quality(tmp_path / "default"), before)
    assert not list((tmp_path / "default").glob(".*.tmp"))
    assert sweep.run(plan()).cached == len(before["cell"].unique())


@pytest.mark.long
def test_a_folder_that_cannot_be_written_to_is_said_before_anything_is_measured(tmp_path, eplb):
    (tmp_path / "runs").write_text("a file where the folder should be")
    done = eplb("evaluate", check=2)
    assert "results cannot be written to 'runs/default'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_log_for_each_cell_says_what_its_variant_printed_and_died_of(plan, tmp_path, monkeypatch, capsys):
    def dies(variant, windows, topology, steps):
        sys.stdout.write("about to die\n")
        yield {"window": 0}
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(measure, "replay", dies)
    outcome = sweep.run(plan("default", "variant=seed", "workload=quick", "seed=0", "reference=seed"))
    assert list(outcome.failed.values()) == ["ZeroDivisionError: division by zero"]
    assert capsys.readouterr().out == "", "what a variant prints does not disturb the tables"
    (log,) = (tmp_path / "default" / FOLDER).iterdir()
    text = log.read_text()
    assert "seed on quick" in text
    assert "about to die" in text
    assert 'raise ZeroDivisionError("division by zero")' in text
    assert "failed after" in text


def test_half_written_files_are_not_results_and_old_ones_are_cleared_away(plan, tmp_path):
    small = plan("default", "workload=quick", "seed=0")
    sweep.run(small)
    folder = tmp_path / "default"
    fresh, old = folder / ".abc-1.tmp", folder / ".abc-2.tmp"
    for path in (fresh, old):
        path.write_bytes(b"PAR1 half")
    os.utime(old, (0, 0))
    before = len(quality(folder))
    sweep.run(small)
    assert (fresh.exists(), old.exists()) == (True, False)
    assert len(quality(folder)) == before == len(pd.read_parquet(folder))


@pytest.mark.long
@pytest.mark.parametrize(
    "launcher", [["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"], ["hydra/launcher=submitit_local"]], ids=str
)
def test_launchers_measure_what_one_process_does(plan, tmp_path, eplb, launcher):
    """For real: joblib's workers, and submitit's jobs on this machine. The command differs by the launcher alone."""
    command = ["evaluate", "-m", *SWEEP, *TINY, f"runs_dir={tmp_path}", "workload=quick", "seed=0"]
    done = eplb(*command, *launcher, "measure=both", "timing.rounds=3", "timing.min_rounds=3", check=0)
    assert "3 cells measured, 3 timed" in done.stdout, done.stdout + done.stderr
    assert done.stderr == "", "quiet where it is no terminal"
    sweep.run(plan("whole", "workload=quick", "seed=0"))
    launched, whole = quality(tmp_path / "default"), quality(tmp_path / "whole")
    columns = [name for name in whole if not name.startswith(("place_", "time_", "timing_", "first_"))]
    pd.testing.assert_frame_equal(launched[columns], whole[columns])
    assert launched["place_seconds"].gt(0).all()
    assert launched["timing_valid"].all(), "times are taken by one job, alone"
    again = eplb(*command, *launcher, "measure=both", "timing.rounds=3", "timing.min_rounds=3", check=0)
    assert "0 cells measured, 0 timed, 3 were there already" in again.stdout


@pytest.mark.long
def test_the_workers_of_a_sweep_that_was_killed_end_too(tmp_path):
    long = ["variant=seed,deepseek", "workload=quick", "seed=range(0,200)", "measure=quality"]
    command = [sys.executable, "-m", "evaluator.cli.main", "evaluate", "-m", *long, f"runs_dir={tmp_path}"]
    joblib = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    with subprocess.Popen([*command, *joblib], stdout=subprocess.DEVNULL, start_new_session=True) as killed:
        assert waited(lambda: len(list(tmp_path.glob("default/*.parquet"))) > 2)
        assert waited(lambda: leaders(killed.pid) > 2), "both workers are at work, each with its child"
        killed.kill()
    assert waited(lambda: not session(killed.pid))
    measured = len(list(tmp_path.glob("default/*.parquet")))
    assert measured < 400
    time.sleep(0.5)
    assert len(list(tmp_path.glob("default/*.parquet"))) == measured


def test_a_launcher_that_works_in_the_starting_process_does_not_end_with_its_shell(plan, tmp_path):
    import threading

    small = plan("default", "workload=quick", "seed=0")
    Store(small.folder).prepare()
    here = Job(jobs.Shares(Work(small, None), (tuple(small.cells),), ()))
    assert here(OmegaConf.create({"share": "0"})).measured == 3
    assert WATCH not in {thread.name for thread in threading.enumerate()}


def waited(happens, seconds=60):
    """Return whether something happens within some time."""
    for _ in range(seconds * 10):
        if happens():
            return True
        time.sleep(0.1)
    return False


def session(number):
    """Return process and process group of those in a session that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, group, of = stat.read_text().rpartition(") ")[2].split()[:4]
        except OSError:
            continue
        if int(of) == number and state != "Z":
            found.append((int(stat.parent.name), int(group)))
    return found


def leaders(number):
    """Return how many process groups a session has: that of the command, and one for each child of a worker."""
    return sum(process == group for process, group in session(number))


@pytest.mark.long
def test_what_a_launchers_job_says_of_a_cell_is_passed_on(tmp_path, eplb):
    (tmp_path / "conf" / "variant").mkdir(parents=True)
    (tmp_path / "conf" / "variant" / "other_machine.yaml").write_text(
        "defaults:\n  - /stage/forecaster@forecaster: last\n  - /stage/packer@group_packer: greedy\n"
        "  - /stage/replicator@replicator: dhondt\n  - /stage/fixup@fixup: none\n"
        "  - /stage/packer@gpu_packer: greedy\n  - _self_\n"
        "name: other_machine\nsummary: hierarchical where it cannot be\npolicy: hierarchical\n"
        "implementation: kernel\nthreads: 1\n"
    )
    done = eplb(
        *("evaluate", "-m", "--config-dir", "conf", "variant=deepseek,other_machine", "workload=quick", *TINY[:1]),
        *("topology.num_groups=2", "measure=quality", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"),
    )
    assert "skipped: other_machine on quick" in done.stderr
    assert "1 cells measured" in done.stdout


def test_a_job_that_fails_is_one_sentence_and_what_was_measured_is_kept(plan, monkeypatch):
    launched = plan("default", "hydra/launcher=joblib")
    full = Failure("No space left on device", is_lost=False)
    done = iter([full, full, SweepResult(launched.folder, measured=1)])
    monkeypatch.setattr(jobs, "launch", lambda share, words, launcher, folder: [next(done) for _ in range(3)])
    with pytest.raises(EplbError, match="2 jobs of the launcher failed; what was measured is kept: No space left"):
        sweep.run(launched)


def test_jobs_that_are_lost_are_said_and_the_same_command_measures_the_rest(plan, tmp_path, monkeypatch, capsys):
    """As where a cluster ends a job that is out of its time: what the others did is shown, and the exit code is 3."""
    launched, launch = plan("default", "hydra/launcher=joblib", "hydra.launcher.n_jobs=1", "shares=3"), jobs.launch

    def loses(shares, words, *more):
        return [*launch(shares, words[1:], *more), Failure("out of its time")]

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "launch", loses)
        result = sweep.run(launched)
    assert (result.measured, result.lost) == (CELLS * 2 // 3, ["out of its time"])
    assert report(launched, result, as_json=False) == 3
    said = capsys.readouterr()
    assert "eplb: 1 of the launcher's jobs lost: out of its time" in said.err
    assert "the same command again runs only what failed or is missing" in said.out
    assert report(launched, result, as_json=True) == 3
    assert json.loads(capsys.readouterr().out)["lost"] == ["out of its time"]
    again = sweep.run(plan())
    assert (again.measured, again.cached, again.lost) == (CELLS // 3, CELLS * 2 // 3, [])


def test_shares_hold_every_cell_once(plan, monkeypatch):
    launched, seen = plan("default", "hydra/launcher=joblib", "shares=3"), []
    monkeypatch.setattr(jobs, "launch", lambda shares, *rest: seen.append(shares.shares) or [])
    sweep.run(launched)
    (parts,) = seen
    assert len(parts) == 3
    assert sorted(cell.key for part in parts for cell in part) == sorted(cell.key for cell in launched.cells)


def test_a_launcher_that_is_not_there_is_a_sentence(eplb):
    done = eplb("evaluate", "hydra/launcher=jobblib", "workload=quick", "measure=quality", check=2)
    assert "did you mean 'joblib'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_plans_travel_to_other_processes():
    import pickle

    plan = make_plan(["variant=seed"])
    copy = pickle.loads(pickle.dumps(plan))
    load = np.random.default_rng(0).random((2, 256))
    for cell, other in zip(plan.cells, copy.cells, strict=True):
        assert cell.key == other.key
        one, two = (c.variant.place(load, c.topology) for c in (cell, other))
        np.testing.assert_array_equal(one.phy2log, two.phy2log)
