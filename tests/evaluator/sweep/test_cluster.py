"""Sweeps through submitit on a real Slurm of one node; ``make cluster`` installs it and runs this."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from importlib import resources
from pathlib import Path

import pandas as pd
import pytest

from evaluator.results.store import read_runs

_spec = importlib.util.spec_from_file_location("slurm_of_tests", Path(__file__).with_name("slurm.py"))
assert _spec is not None
assert _spec.loader is not None
slurm_of_tests = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(slurm_of_tests)

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif("EPLB_LAB_CLUSTER" not in os.environ, reason="make cluster runs this"),
    pytest.mark.skipif(not slurm_of_tests.is_possible(), reason="Slurm is not installed, or this is not root"),
]
LAUNCHER = [
    "hydra/launcher=submitit_slurm",
    "hydra.launcher.partition=cpu",
    "hydra.launcher.cpus_per_task=1",
    "hydra.launcher.timeout_min=10",
    "hydra.launcher.array_parallelism=3",
]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """Return a Slurm that runs while these tests do."""
    with slurm_of_tests.Slurm(tmp_path_factory.mktemp("slurm")) as running:
        yield running


def quality(folder):
    """Return all that was measured but when and how fast, in one order."""
    frame = read_runs([folder]).drop(columns=["run", "measured_at", "cell_seconds"])
    return frame.sort_values(["cell", "window"], ignore_index=True)


def test_a_sweep_that_is_killed_goes_on_where_it_was(slurm, guests):
    """First the command is killed, then its jobs; the same command again measures the rest, as one process would.

    Its variant waits after some cells of a job until a file is there: something is left to kill, and to go on with.
    """
    sweep = [["waits"], "variant.gpu_packer.after=24", "seed=range(0,30)", "place_seconds_limit=1000"]
    environment = {**guests.environment, **slurm.environment, "GUESTS_GO_ON": str(guests.folder / "go on")}
    folder, cells = guests.runs / "killed", 90
    command = guests.command(*sweep, *LAUNCHER, "run=killed")
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as killed:
        wait_for(lambda: len(list(folder.glob("*.parquet"))) > 5)
        killed.send_signal(signal.SIGKILL)
    assert slurm.jobs(), "jobs on a cluster go on without the command"
    slurm.ask("scancel", "--signal=KILL", "--full", *slurm.jobs())
    wait_for(lambda: not slurm.jobs())
    before = {path: path.read_bytes() for path in folder.glob("*.parquet") if is_good(path)}
    assert 5 < len(before) < cells

    (guests.folder / "go on").touch()
    again = guests.evaluate(*sweep, *LAUNCHER, "run=killed", environment=environment)
    assert again.returncode == 0, again.stdout + again.stderr
    assert f"{cells - len(before)} cells measured, 0 timed, {len(before)} were there already" in again.stdout
    assert before.items() <= {path: path.read_bytes() for path in folder.glob("*.parquet")}.items()
    here = guests.evaluate(*sweep, "run=here", environment=environment)
    assert here.returncode == 0, here.stderr
    pd.testing.assert_frame_equal(quality(folder), quality(guests.runs / "here"))


def test_times_are_taken_by_one_job(slurm, guests):
    timing = ["run=timed", "measure=both", "timing.rounds=3", "timing.min_rounds=3", *LAUNCHER]
    done = guests.evaluate(["none"], *timing, environment=slurm.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 cells measured, 3 timed" in done.stdout
    assert read_runs([guests.runs / "timed"])["place_seconds"].gt(0).all()


def test_each_bad_stage_costs_its_own_cells_and_says_why(slurm, guests):
    tricks = list(guests.tricks)
    guests.check(guests.evaluate(tricks, *LAUNCHER, "run=slurm", environment=slurm.environment), "slurm", tricks)


def is_good(path):
    """A job may have lived to see its child killed, and noted that its cell failed."""
    return set(pd.read_parquet(path, columns=["status"])["status"]) == {"ok"}


def wait_for(happens, seconds=120):
    until = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_candidates_are_judged_by_jobs_and_timed_by_one(slurm, guests):
    """Verdicts of all shares come back to the command, and are kept in the folder that the jobs see."""
    parent = resources.files("evaluator.examples").joinpath("programs", "balancer.py").read_text(encoding="utf-8")
    folder = guests.folder / "candidates"
    folder.mkdir()
    for number in range(4):
        (folder / f"same_{number}.py").write_text(f"{parent}\n# {number}\n")
    small = ["workload.num_layers=2", "workload.windows=3", "timing.rounds=3", "timing.min_rounds=3"]
    command = [sys.executable, "-m", "evaluator.cli.main", "score", str(folder), "--traces=2", "--held-out=2", "--json"]
    command += [f"runs_dir={guests.runs}", "run=scored", *small, *LAUNCHER]
    environment = {**guests.environment, **slurm.environment}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("{"), done.stdout[:300] + done.stderr[:300]
    said = json.loads(done.stdout)["candidates"]
    assert {row["verdict"] for row in said} == {"identical placements"}
    assert all(row["place_seconds"] > 0 for row in said)
    assert len(list((guests.runs / "scored").glob("*.parquet"))) == 4
