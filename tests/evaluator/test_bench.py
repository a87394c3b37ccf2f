from __future__ import annotations

from evaluator.bench.kernels import VARIANTS, measure_kernels
from evaluator.sweep import Silent


def test_every_variant_is_measured_at_every_size():
    found = measure_kernels(Silent(), sizes=((2, 16, 24, 4), (3, 16, 32, 8)))
    assert [(time.variant, time.size[0]) for time in found] == [(name, n) for n in (2, 3) for name in VARIANTS]
    for time in found:
        assert time.milliseconds > 0
        assert time.ratio.low <= time.ratio.value <= time.ratio.high
        assert time.per_slot > 0
