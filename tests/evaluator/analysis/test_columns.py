from __future__ import annotations

import pytest

from evaluator.analysis.ablation.effects import EFFECTS_ON
from evaluator.analysis.columns import HEADLINE, LOG_TIME_RATIO, METRICS, OWN_HEADLINE, TIME_RATIO, TIMES
from evaluator.candidates.judging import schema
from evaluator.results.schema import ARROW


def test_every_metric_is_a_stored_column():
    assert set(METRICS) | set(TIMES) <= set(ARROW.names)
    assert {HEADLINE, OWN_HEADLINE} <= set(METRICS)


def test_titles_are_told_apart():
    assert len({metric.title for metric in METRICS.values()}) == len(METRICS)


@pytest.mark.parametrize("metric", [*METRICS.values(), TIME_RATIO, LOG_TIME_RATIO], ids=lambda metric: metric.name)
def test_every_metric_has_a_unit_and_a_floor(metric):
    assert metric.unit
    assert metric.floor > 0
    assert metric.sign == (1 if metric.more_is_better else -1)


def test_ablation_and_the_judge_take_theirs_from_the_same_table():
    assert all(EFFECTS_ON[name] is METRICS[name] for name in EFFECTS_ON if name in METRICS)
    assert {f"{name}_difference" for name in METRICS} <= set(schema.ARROW.names)


def test_what_costs_is_better_where_there_is_less():
    less = {metric.name for metric in METRICS.values() if not metric.more_is_better}
    assert less == {"moved_slots", "colocated_replicas"}
    assert not TIME_RATIO.more_is_better
