"""A judge with a small workload, and programs for it."""

from __future__ import annotations

from importlib import resources

import pytest

from eplb_variants import Topology
from evaluator.candidates.judge import Judge, Settings
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.confine import Limits
from evaluator.candidates.schema import ARROW
from evaluator.cell import Workload
from evaluator.compare.score import Score
from evaluator.results.store import Store
from evaluator.timing_settings import TimingSettings

SMALL = {"kind": "synthetic", "num_layers": 3, "num_experts": 16, "top_k": 2, "num_groups": 4, "tokens": 4000}
TOPOLOGY = Topology(24, 4, 2, 4)
PARENT = resources.files("evaluator.examples").joinpath("programs", "balancer.py").read_text()


def settings(**changes):
    """Return how to judge on a small workload, in little time."""
    workload = Workload("small", {**SMALL, "windows": 7, "interval": 1, "max_windows": 0})
    defaults = {
        "workload": workload,
        "seed": 5,
        "topology_name": "small",
        "topology": TOPOLOGY,
        "score": Score("plain", "", "balancedness_gpu_next", ""),
        "timing": None,
        "limits": Limits(wall_seconds=3.0, cpu_seconds=4, memory_mib=400, file_mib=2),
    }
    return Settings(**{**defaults, **changes})


@pytest.fixture(scope="session")
def small_settings():
    """Return the function that makes settings."""
    return settings


@pytest.fixture(scope="session")
def judge(tmp_path_factory):
    """Return a judge that does not take times."""
    with Judge(Program("parent", PARENT), settings(), Store(tmp_path_factory.mktemp("judge"), ARROW)) as judge:
        yield judge


@pytest.fixture(scope="session")
def timing_judge(tmp_path_factory):
    """Return a judge that takes times too, three rounds of them."""
    timed = settings(timing=TimingSettings(rounds=3, min_rounds=3, seconds=0.0))
    with Judge(Program("parent", PARENT), timed, Store(tmp_path_factory.mktemp("judge"), ARROW)) as judge:
        yield judge


@pytest.fixture
def verdict(judge):
    """Return a function from a program's source to the row that the judge writes on it."""

    def of(source, name="candidate"):
        program = Program(name, source)
        return judge.judge([program])[program.key]

    return of
