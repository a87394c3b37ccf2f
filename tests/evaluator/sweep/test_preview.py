"""A plan is previewed without anything being measured or written."""

from __future__ import annotations

import subprocess
import sys

import pytest

from evaluator.results.schema import FAILED
from evaluator.results.store import Store
from evaluator.sweep import run as sweep
from evaluator.sweep.measure import note
from evaluator.sweep.plan import make_plan
from evaluator.sweep.preview import preview


@pytest.fixture
def plan(tmp_path, small):
    """Return a function that plans a small sweep into a folder of the test."""

    def make(*overrides):
        return make_plan([*small, f"runs_dir={tmp_path}", *overrides], multirun=True)

    return make


def test_before_anything_was_measured_the_time_is_unknown(plan, tmp_path):
    shown = preview(plan("variant=seed", "measure=quality"))
    assert (shown.cells, shown.cached, shown.to_measure, shown.to_time, shown.failed) == (2, 0, 2, 0, 0)
    assert shown.seconds is None
    assert shown.rule == "unknown: no cell of this run was measured yet"
    assert not list(tmp_path.iterdir()), "nothing is written"


def test_afterwards_it_is_what_earlier_cells_took(plan):
    measured = plan("variant=seed,contiguous", "measure=quality")
    sweep.run(measured)
    done = preview(measured)
    assert (done.cached, done.to_measure, done.seconds) == (3, 0, 0.0)
    more = preview(plan("variant=seed,contiguous", "measure=quality", "seed=0,1,2"))
    assert (more.cells, more.cached, more.to_measure) == (9, 3, 6)
    assert more.rule == "from earlier cells of this run"
    store = Store(measured.folder)
    took = [store.read(cell.key, ["cell_seconds"])[-1]["cell_seconds"] for cell in measured.cells]
    assert more.seconds == pytest.approx(2 * sum(took)), "each variant twice, as long as it took"


def test_times_are_estimated_from_their_settings_and_cells_that_failed_are_counted(plan):
    quality = plan("variant=seed", "measure=quality")
    sweep.run(quality)
    note(Store(quality.folder), quality.cells[0], FAILED, "it was bad")
    shown = preview(plan("variant=seed", "measure=both", "timing.rounds=5", "timing.sample_seconds=0.1"))
    assert (shown.to_measure, shown.failed, shown.to_time) == (1, 1, 2)
    assert shown.seconds is not None
    assert shown.seconds > 2 * 5 * 0.1
    assert "from the settings of timing" in shown.rule


def test_jobs_of_a_launcher_share_the_work(plan):
    sweep.run(plan("variant=seed", "measure=quality"))
    alone = preview(plan("variant=seed", "measure=quality", "seed=range(0,9)"))
    shared = preview(plan("variant=seed", "measure=quality", "seed=range(0,9)", *JOBLIB))
    assert shared.seconds == pytest.approx(alone.seconds / 4)
    assert shared.rule.endswith("4 jobs at once")


JOBLIB = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=4"]


def test_nothing_is_compiled_to_look():
    """A dry run answers at once, before any kernel is made."""
    code = "import sys, evaluator.sweep.preview; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
