from __future__ import annotations

import shutil

import numpy as np
import pytest

from eplb_variants import EplbError, Topology
from evaluator.candidates.sandbox import confine, pool
from evaluator.candidates.sandbox.confine import Limits
from evaluator.candidates.sandbox.pool import CandidateFailed, Sandbox

TOPOLOGY = Topology(6, 1, 1, 2)
LOAD = np.arange(8.0).reshape(2, 4)
ECHO = """
import torch
calls = 0
def rebalance_experts(weight, num_replicas, num_groups, num_nodes, num_gpus):
    global calls
    calls += 1
    given = torch.tensor([num_replicas, num_groups, num_nodes, num_gpus, calls])
    return weight.long(), given, torch.rand(3).mul(100).long()
"""


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(limits=Limits(wall_seconds=5, cpu_seconds=5, memory_mib=300)) as sandbox:
        yield sandbox


def test_the_layers_in_force_are_known(sandbox):
    assert confine.is_enough(sandbox.layers)
    assert "resource limits" in sandbox.layers


def test_a_call_hands_over_the_load_and_the_topology(sandbox):
    worker = sandbox.load(ECHO)
    answer = worker.call(LOAD, TOPOLOGY)
    np.testing.assert_array_equal(answer.phy2log, LOAD.astype(int))
    assert answer.log2phy.tolist() == [6, 1, 1, 2, 1]
    worker.kill()


def test_a_process_is_kept_until_it_is_killed_and_the_next_knows_nothing_of_it(sandbox):
    first = sandbox.load(ECHO)
    assert [first.call(LOAD, TOPOLOGY).log2phy[-1] for _ in range(3)] == [1, 2, 3]
    second = sandbox.load(ECHO)
    assert second.call(LOAD, TOPOLOGY).log2phy[-1] == 1
    first.kill()
    first.kill()
    second.kill()


def test_random_numbers_follow_the_seed_of_the_call(sandbox):
    worker = sandbox.load(ECHO)
    one, two, other = (worker.call(LOAD, TOPOLOGY, seed).logcnt.tolist() for seed in (3, 3, 4))
    assert one == two != other
    worker.kill()


def test_a_paused_process_goes_on_where_it_was(sandbox):
    worker = sandbox.load(ECHO)
    worker.pause()
    worker.go_on()
    assert worker.call(LOAD, TOPOLOGY).log2phy[-1] == 1
    worker.kill()


def test_a_crash_is_told_with_its_line_and_the_process_lives_on(sandbox):
    worker = sandbox.load("\ncalls = []\ndef rebalance_experts(*_):\n    calls.append(1)\n    return [][len(calls)]\n")
    for _ in range(2):
        with pytest.raises(CandidateFailed) as caught:
            worker.call(LOAD, TOPOLOGY)
        assert (caught.value.kind, caught.value.error, caught.value.line) == (pool.CRASHED, "IndexError", 5)
    worker.kill()


def test_how_a_process_ended_is_told(sandbox):
    worker = sandbox.load("import os\ndef rebalance_experts(*_): os._exit(3)")
    with pytest.raises(CandidateFailed, match="exited with 3") as caught:
        worker.call(LOAD, TOPOLOGY)
    assert caught.value.kind == pool.KILLED


def test_a_program_without_the_function_is_told(sandbox):
    with pytest.raises(CandidateFailed, match="has no function rebalance_experts"):
        sandbox.load("x = 1")


def test_without_isolation_it_says_so_and_still_works():
    with Sandbox("none", Limits(wall_seconds=5)) as sandbox:
        assert sandbox.layers == []
        worker = sandbox.load(ECHO)
        assert worker.call(LOAD, TOPOLOGY).log2phy[-1] == 1
        worker.kill()


def test_an_isolation_that_there_is_not_is_refused():
    with pytest.raises(EplbError, match="no isolation 'atuo': did you mean 'auto'"):
        Sandbox("atuo")


def test_too_little_isolation_is_refused(monkeypatch):
    monkeypatch.setattr(confine, "is_enough", lambda layers: False)
    monkeypatch.setattr(pool.shutil, "which", lambda name: None)
    with pytest.raises(EplbError, match="use --isolation none for programs that you trust"):
        Sandbox()


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_where_the_kernel_does_not_close_files_bubblewrap_does(monkeypatch, tmp_path):
    monkeypatch.setattr(confine, "is_enough", lambda layers: "bubblewrap" in layers)
    secret = tmp_path / "secret"
    secret.write_text("loads")
    with Sandbox(limits=Limits(wall_seconds=5)) as sandbox:
        assert "bubblewrap" in sandbox.layers
        worker = sandbox.load(ECHO)
        assert worker.call(LOAD, TOPOLOGY).log2phy[-1] == 1
        worker.kill()
        worker = sandbox.load(f"def rebalance_experts(*_): open({str(secret)!r})")
        with pytest.raises(CandidateFailed, match=r"FileNotFoundError|PermissionError"):
            worker.call(LOAD, TOPOLOGY)
        worker.kill()


@pytest.mark.parametrize(
    ("layers", "enough"),
    [
        (["landlock 7", "seccomp"], True),
        (["seccomp"], False),
        (["landlock 1"], False),
        (["bubblewrap", "seccomp"], True),
        ([], False),
    ],
)
def test_files_and_processes_must_both_be_closed(layers, enough):
    assert confine.is_enough(layers) == enough


def test_the_filter_is_made_for_both_processors():
    """The same calls are refused on x86_64 and aarch64, under their numbers."""
    for column, architecture in enumerate(confine.ARCHITECTURES.values()):
        program = confine._filter(architecture, column, 4711)
        assert len(program) < 4096
        compared = {k for code, _, _, k in program if code == 0x15}
        numbers = {n[column] for n in confine.FORBIDDEN.values() if n[column] is not None}
        assert numbers | {4711, architecture} <= compared
        for at, (code, yes, no, _) in enumerate(program):
            if code in (0x15, 0x35, 0x45):
                assert at + 1 + max(yes, no) < len(program), "a jump leads out of the filter"


def test_the_environment_is_scrubbed(monkeypatch):
    monkeypatch.setenv("API_KEY", "secret")
    assert "API_KEY" not in pool.scrubbed_environment("/x")
