"""Nothing that a stage does costs more than its own cells, in either implementation, here and in a launcher's jobs."""

from __future__ import annotations

import os

import pytest

JOBLIB = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]


def check(guests, tricks, *where):
    """Let guests play their tricks, and again those of which one must be there and one must be tried again."""
    tricks = list(tricks)
    guests.check(guests.evaluate(tricks, *where), where[-1].partition("=")[2], tricks)
    again = guests.evaluate(["none", "exits"], *where)
    assert again.returncode == 3
    assert "0 cells measured" in again.stdout, "only what failed is measured again"
    assert "3 were there already, 2 failed" in again.stdout


@pytest.mark.long
def test_each_bad_stage_costs_its_own_cells_and_says_why(guests):
    check(guests, guests.tricks, "run=here")


@pytest.mark.long
def test_so_it_is_in_the_jobs_of_a_launcher(guests):
    check(guests, guests.of_each_kind, *JOBLIB, "run=some")


@pytest.mark.cluster
@pytest.mark.skipif("EPLB_LAB_CLUSTER" not in os.environ, reason="make cluster runs this")
def test_so_it_is_for_all_of_them(guests):
    check(guests, guests.tricks, *JOBLIB, "run=all")


@pytest.mark.long
def test_a_stage_that_fails_while_it_is_timed_costs_its_own_times(guests):
    """Its quality was measured with fewer calls; those that are timed beside it are timed without it."""
    late = ["none", "exits", "segfaults", "loops", "takes_all_memory"]
    timing = ["measure=both", "timing.rounds=3", "timing.min_rounds=3", "variant.gpu_packer.after=9", "run=timed"]
    done = guests.evaluate(late, *timing)
    assert done.returncode == 3, done.stdout + done.stderr
    rows = guests.rows("timed")
    assert set(rows["status"]) == {"ok"}, "all were measured"
    timed = rows.groupby("trick")["place_seconds"].count().to_dict()
    assert timed == {"none": 2, "exits": 0, "segfaults": 0, "loops": 0, "takes_all_memory": 0}, done.stderr
    for trick in late[1:]:
        reasons = [line for line in done.stderr.splitlines() if "failed: times of" in line and f"trick={trick}" in line]
        assert len(reasons) == 2, done.stderr
        assert all(guests.crashes[trick] in line for line in reasons)
    again = guests.evaluate(["none"], *timing)
    assert "0 cells measured, 0 timed, 3 were there already" in again.stdout
    assert again.returncode == 0
