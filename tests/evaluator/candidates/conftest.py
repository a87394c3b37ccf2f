"""A judge with a small workload, and programs for it."""

from __future__ import annotations

import textwrap
from importlib import resources

import pytest

from eplb_variants import Topology
from evaluator.analysis.score import Score
from evaluator.candidates.judging.judge import Judge, Settings
from evaluator.candidates.judging.schema import ARROW, IDENTICAL, INVALID, TIMED_OUT
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.confine import Limits
from evaluator.results.store import Store
from evaluator.sweep.cell import Workload
from evaluator.timing.settings import TimingSettings

SMALL = {"kind": "synthetic", "num_layers": 3, "num_experts": 16, "top_k": 2, "num_groups": 4, "tokens": 4000}
TOPOLOGY = Topology(24, 4, 2, 4)
NAME, WRAPPED = "rebalance_experts", "_honest"
"""What a program defines, and what an attack calls the parent's."""
VALUES = ("verdict", "balancedness_gpu_next", "balancedness_gpu_own", "score", "moved_slots")
PARENT = resources.files("evaluator.examples").joinpath("programs", "balancer.py").read_text()


def settings(*, windows=7, **changes):
    """Return how to judge on a small workload, in little time."""
    workload = Workload("small", {**SMALL, "windows": windows, "interval": 1, "max_windows": 0})
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


@pytest.fixture(scope="session")
def short_judge(tmp_path_factory):
    """Return a judge of few windows, for programs of which only the verdict matters."""
    few = settings(windows=3)
    with Judge(Program("parent", PARENT), few, Store(tmp_path_factory.mktemp("judge"), ARROW)) as judge:
        yield judge


@pytest.fixture(scope="session")
def parent_source(short_judge):
    return short_judge.parent.source


@pytest.fixture(scope="session")
def honest(short_judge):
    """Return a function that judges the parent's twin, under a new key each time."""
    count = iter(range(10_000))

    def again():
        program = Program("honest", short_judge.parent.source + f"\n# {next(count)}\n")
        row = short_judge.judge([program])[program.key]
        return {name: row[name] for name in VALUES}

    first = again()
    assert first["verdict"] == IDENTICAL
    return lambda: (first, again())


@pytest.fixture
def attack(short_judge, honest, parent_source):
    """Return a function that judges the parent with code around it, then sees that nothing is left of it."""

    def attack(body, *, before=""):
        source = parent_source.replace(f"def {NAME}(", f"def {WRAPPED}(")
        source += textwrap.dedent(before)
        source += f"\n\ndef {NAME}(weight, num_replicas, num_groups, num_nodes, num_gpus):\n"
        source += "    arguments = (weight, num_replicas, num_groups, num_nodes, num_gpus)\n"
        source += textwrap.indent(textwrap.dedent(body), "    ")
        program = Program("attack", source)
        row = short_judge.judge([program])[program.key]
        first, after = honest()
        assert after == first, "the attack changed what an honest program gets"
        if row["verdict"] not in (INVALID, TIMED_OUT):
            assert row["score"] <= first["score"] + 1e-12, "the attack was worth it"
        return row

    return attack
