"""What programs are judged by is refused where they could read it, before anything is judged."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy
import pytest

from eplb_variants import EplbError
from evaluator.candidates.judging.judge import Judge
from evaluator.candidates.judging.schema import ARROW
from evaluator.candidates.judging.secrecy import check_secrecy
from evaluator.candidates.program import Program
from evaluator.results.store import Store
from evaluator.sweep.cell import Workload

READABLE = Path(numpy.__file__).parent
"""A folder that every program may read."""


@pytest.fixture
def recorded(small_stratum):
    """Return a function from a file to a stratum whose workload it is."""

    def of(path):
        config = {"kind": "recorded", "path": str(path), "interval": 1, "max_windows": 0}
        return dataclasses.replace(small_stratum(), workload=Workload("recorded", config))

    return of


def test_a_run_folder_that_programs_can_read_is_refused(small_settings, tmp_path):
    check_secrecy(small_settings(), Store(tmp_path))
    with pytest.raises(EplbError, match="the run folder .* move it elsewhere"):
        check_secrecy(small_settings(), Store(READABLE / "runs"))
    check_secrecy(small_settings(isolation="none"), Store(READABLE / "runs"))


@pytest.mark.parametrize("part", ["training", "held_out"])
def test_a_recording_that_programs_can_read_is_refused(small_settings, recorded, tmp_path, part):
    check_secrecy(small_settings(**{part: (recorded(tmp_path / "loads.npz"),)}), Store(tmp_path))
    with pytest.raises(EplbError, match="the workload .*loads.npz"):
        check_secrecy(small_settings(**{part: (recorded(READABLE / "loads.npz"),)}), Store(tmp_path))


def test_the_judge_refuses_it_before_it_writes_anything(small_settings):
    with pytest.raises(EplbError, match="the run folder"):
        Judge(Program("parent", ""), small_settings(), Store(READABLE / "runs", ARROW))
    assert not (READABLE / "runs").exists()
