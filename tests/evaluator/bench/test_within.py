"""What acting within a step costs is measured for every stage that does."""

from __future__ import annotations

from eplb_variants.registry import stages
from evaluator.bench import within
from evaluator.bench.placement import Size
from evaluator.progress import Silent
from evaluator.timing.settings import TimingSettings


def test_every_stage_that_acts_within_a_step_is_timed_on_a_placement_in_force(monkeypatch):
    monkeypatch.setattr(within, "SETTINGS", TimingSettings(rounds=3, min_rounds=3, seconds=0.0))
    called = []
    for name in ("dispatch", "react"):
        original = getattr(within._Within, name)
        monkeypatch.setattr(within._Within, name, lambda self, *a, o=original, n=name: called.append(n) or o(self, *a))
    lines = within.measure_within(Silent(), Size(3, 16, 24, 4))
    assert [line.what for line in lines] == [
        f"{kind} {stage.name}" for kind in ("dispatcher", "reactive") for stage in stages(kind)
    ]
    assert all(line.value > 0 and line.ratio.value > 0 for line in lines)
    assert {"dispatch", "react"} == set(called)
