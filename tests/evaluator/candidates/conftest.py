"""A judge with a small workload, and programs for it."""

from __future__ import annotations

import copy
import dataclasses
import textwrap
from importlib import resources
from pathlib import Path

import pytest

from eplb_variants import Topology
from evaluator.analysis.score import Score
from evaluator.candidates.judging.judge import Judge
from evaluator.candidates.judging.schema import ARROW, IDENTICAL, INVALID, TIMED_OUT
from evaluator.candidates.program import Program
from evaluator.candidates.sandbox.limits import Limits
from evaluator.candidates.settings import Settings
from evaluator.results.store import Store
from evaluator.sweep.cell import Workload
from evaluator.sweep.stratum import Stratum
from evaluator.timing.settings import TimingSettings

SMALL = {"kind": "synthetic", "num_layers": 3, "num_experts": 16, "top_k": 2, "num_groups": 4, "tokens": 4000}
TOPOLOGY = Topology(24, 4, 2, 4)
FAR = 600.0
"""Seconds that nothing takes, on however busy a machine."""
LIMITS = Limits(wall_seconds=FAR, total_seconds=FAR, cpu_seconds=10, memory_mib=400, file_mib=2)
"""What ends a program in these tests is its CPU time, or its memory, and never the clock."""
NAME, WRAPPED = "rebalance_experts", "_honest"
"""What a program defines, and what an attack calls the parent's."""
VALUES = ("verdict", "balancedness_gpu_next", "balancedness_gpu_own", "score", "moved_slots")
PARENT = resources.files("evaluator.examples").joinpath("programs", "balancer.py").read_text()


def stratum(windows=7, seeds=(5,), topology=TOPOLOGY):
    """Return a small workload on a small machine."""
    workload = Workload("small", {**SMALL, "windows": windows, "interval": 1, "max_windows": 0})
    return Stratum(workload, "small", topology, seeds)


def settings(*, windows=7, **changes):
    """Return how to judge on a small workload, in little time."""
    defaults = {
        "training": (stratum(windows),),
        "held_out": (),
        "suite": None,
        "score": Score("plain", "", "balancedness_gpu_next", ""),
        "timing": None,
        "limits": LIMITS,
    }
    return Settings(**{**defaults, **changes})


@pytest.fixture(scope="session")
def small_settings():
    """Return the function that makes settings."""
    return settings


@pytest.fixture(scope="session")
def small_stratum():
    """Return the function that makes a stratum."""
    return stratum


@pytest.fixture(scope="session")
def judge(tmp_path_factory):
    """Return a judge that does not take times."""
    with Judge(Program("parent", PARENT), settings(), Store(tmp_path_factory.mktemp("judge"), ARROW)) as judge:
        yield judge


@pytest.fixture(scope="session")
def timing_judge(judge, tmp_path_factory):
    """Return a judge that takes times too, three rounds of them; it shares the sandbox of the other."""
    timing = TimingSettings(rounds=3, min_rounds=3, seconds=0.0)
    twin = copy.copy(judge)
    twin.settings = dataclasses.replace(judge.settings, timing=timing)
    twin.store = Store(tmp_path_factory.mktemp("judge"), ARROW)
    twin.store.prepare()
    return twin


@pytest.fixture
def verdict(judge):
    """Return a function from a program's source to the row that the judge writes on it."""

    def of(source, name="candidate"):
        program = Program(name, source)
        return judge.judge([program])[program.key]

    return of


@pytest.fixture(scope="session")
def honest(judge):
    """Return a function that judges the parent's twin, under a new key each time."""
    count = iter(range(10_000))

    def again():
        program = Program("honest", f"{PARENT}\n# {next(count)}\n")
        row = judge.judge([program])[program.key]
        return {name: row[name] for name in VALUES}

    first = again()
    assert first["verdict"] == IDENTICAL
    return lambda: (first, again())


def wrapped(body, before=""):
    """Return the parent with other code in place of its function, which stays as ``_honest``."""
    source = PARENT.replace(f"def {NAME}(", f"def {WRAPPED}(") + textwrap.dedent(before)
    source += f"\n\ndef {NAME}(weight, num_replicas, num_groups, num_nodes, num_gpus):\n"
    source += "    arguments = (weight, num_replicas, num_groups, num_nodes, num_gpus)\n"
    return source + textwrap.indent(textwrap.dedent(body), "    ")


@pytest.fixture
def attack(judge, honest, monkeypatch):
    """Return a function that judges the parent with code around it, then sees that nothing is left of it."""

    def attack(body, *, before="", **limits):
        program = Program("attack", wrapped(body, before))
        with monkeypatch.context() as patched:
            patched.setattr(judge.sandbox, "limits", dataclasses.replace(LIMITS, **limits))
            row = judge.judge([program])[program.key]
        first, after = honest()
        assert after == first, "the attack changed what an honest program gets"
        assert children_of(judge.sandbox) == []
        if row["verdict"] not in (INVALID, TIMED_OUT):
            assert row["score"] <= first["score"] + 1e-12, "the attack was worth it"
        return row

    return attack


def children_of(sandbox):
    """Return the processes whose parent is the zygote of the sandbox or of its sibling."""
    zygotes = {sandbox.zygote.pid, sandbox.sibling.zygote.pid}
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) in zygotes and fields[0] != "Z":
                found.append(int(entry.name))
    return found
