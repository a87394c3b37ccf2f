"""The benchmarks measure what they say; none of these tests depends on how long anything takes."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from eplb_variants import Topology, load_variant
from eplb_variants.hard_loads import cases
from eplb_variants.kernels.pipeline import Pipeline
from evaluator.analysis.statistics import Estimate
from evaluator.bench import placement, recording, replay
from evaluator.bench.line import COLUMNS, Line, grid, write
from evaluator.bench.placement import KERNELS, Size, measure_growth, measure_placement
from evaluator.bench.plain import PLAIN
from evaluator.bench.plot import growth_plot
from evaluator.cli import bench
from evaluator.progress import Silent
from evaluator.timing.settings import TimingSettings
from evaluator.workloads.readers import read_trace

NAMES = [*KERNELS, placement.TWO_THREADS]
SMALL = (Size(2, 16, 24, 4), Size(3, 16, 32, 8, 4, 2))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    settings = TimingSettings(rounds=3, min_rounds=3, sample_seconds=0.0)
    for module in (placement, replay):
        monkeypatch.setattr(module, "SETTINGS", settings)


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.name)
def test_the_plain_oracle_places_as_deepseek_does(case):
    ours, plain = (variant.place(case.load, case.topology) for variant in (load_variant("deepseek"), PLAIN))
    np.testing.assert_array_equal(ours.phy2log, plain.phy2log)
    np.testing.assert_array_equal(ours.rank, plain.rank)


def test_the_plain_oracle_on_a_large_load():
    load = np.random.default_rng(0).lognormal(6, 1, (4, 256))
    for topology in (Topology(288, 8, 4, 32), Topology(288, 1, 1, 144)):
        ours, plain = (variant.place(load, topology) for variant in (load_variant("deepseek"), PLAIN))
        np.testing.assert_array_equal(ours.phy2log, plain.phy2log)


def test_everybody_is_measured_beside_deepseek():
    lines = measure_placement(Silent(), SMALL)
    for size in SMALL:
        names = [line.what for line in lines if line.size == str(size)]
        assert names[0] == "deepseek"
        assert {"plain", "seed", "deepseek, as arrays", placement.ONE_BY_ONE} <= set(names)
    for line in lines:
        assert line.value > 0
        assert line.ratio is None or line.ratio.low <= line.ratio.value <= line.ratio.high
        assert line.met is None, "targets are for the published size"


def test_stages_one_by_one_place_as_the_pipeline_does():
    one_by_one = placement._one_by_one()
    assert (
        Pipeline.of(one_by_one.placer.replicator, one_by_one.placer.fixup, one_by_one.placer.gpu_packer, 24, 36) is None
    )
    for case in cases():
        made = [variant.place(case.load, case.topology).phy2log for variant in (one_by_one, load_variant("deepseek"))]
        np.testing.assert_array_equal(*made, err_msg=case.name)


@pytest.mark.long
def test_growth_is_measured_at_every_size_and_drawn():
    lines, found = measure_growth(Silent(), SMALL)
    assert [(growth.variant, growth.size) for growth in found] == [(name, size) for size in SMALL for name in NAMES]
    assert all(line.ratio is not None for line in lines)
    (axis,) = growth_plot(found).axes
    assert [line.get_label() for line in axis.get_lines()[::2]] == NAMES


def test_metrics_in_arrays_are_the_metrics():
    size, variant = Size(3, 16, 32, 8, 4, 2), load_variant("deepseek")
    own, later = size.windows()[:2]
    before, now = (variant.place(load, size.topology) for load in (own, later))
    arrays = replay._in_arrays(before, now, own, later)
    first, second = replay._all_metrics(before, now, own, later)[:2]
    np.testing.assert_allclose(arrays, [*first[:3], *second[:3]], rtol=1e-12)


@pytest.mark.long
def test_overhead_and_memory_are_measured(monkeypatch):
    monkeypatch.setattr(replay, "VARIANT_SECONDS", 0.0)
    (line,) = replay.measure_overhead(Silent(), num_windows=3)
    assert line.ratio.value > 1
    few, many = replay.measure_memory(Silent(), few=2, many=3)
    assert few.value > 10
    assert many.met in (True, False)


@pytest.mark.long
def test_both_ways_read_the_same_recording(tmp_path):
    recording.write_recording(tmp_path / "load.json", 200_000)
    trace = read_trace(tmp_path / "load.json")
    assert trace.counts.shape[1:] == (58, 256)
    assert json.loads((tmp_path / "load.json").read_text())["load_history"][1]["logical_expert_load"] == (
        trace.counts[1].tolist()
    )
    lines = recording.measure_recording(Silent(), megabytes=0.2, interval=2, rounds=1)
    assert [line.unit for line in lines] == ["s", "s", "MiB", "MiB", "s"]


LINES = [
    Line("a", "one", "here", 1.5, "ms", Estimate(2.0, 1.5, 2.5, 7), "times as long as x", "3 times", False),
    Line("a", "two", target="1 s or less", met=True),
    Line("b", "three", value=3.0, unit="MiB", ratio=Estimate(2.0, float("nan"), float("nan"), 1), against="times"),
]


def test_lines_are_kept_as_typed_columns(tmp_path):
    path = write(LINES, tmp_path / "bench")
    frame = pd.read_parquet(path)
    assert list(frame.columns) == [column.name for column in COLUMNS]
    assert frame["met"].tolist() == ["no", "yes", ""]
    assert frame["rounds"].tolist()[0] == 7
    assert "processor" in json.loads(frame["machine"][0])


def test_the_table_says_ratio_interval_and_whether_it_was_reached(capsys):
    from rich.console import Console

    Console(width=120).print(grid(LINES))
    printed = capsys.readouterr().out
    assert "2 [1.5, 2.5] times as long as x" in printed
    assert "3 times: no" in printed
    assert "1 s or less: yes" in printed
    assert "2 times" in printed


def test_the_command_runs_what_was_asked_and_its_exit_code_says_what_was_missed(eplb, monkeypatch, tmp_path, capsys):
    assert "did you mean 'growth'" in eplb("bench", "grwth", check=2).stderr
    assert "must be above 0" in eplb("bench", "--programs", "0", check=2).stderr
    ran = []

    def suite(name, options, folder, bar):
        ran.append(name)
        return [Line(name, name, met=name != "memory", target="x")]

    monkeypatch.setattr(bench, "_suite", suite)
    import argparse

    parser = argparse.ArgumentParser()
    bench.configure(parser)
    assert bench.run(parser.parse_args(["metrics", "--runs-dir", str(tmp_path)])) == 0
    assert bench.run(parser.parse_args(["--json", "--runs-dir", str(tmp_path)])) == 1
    assert ran == ["metrics", *bench.SUITES]
    document = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [line["met"] for line in document["lines"]].count("no") == 1
