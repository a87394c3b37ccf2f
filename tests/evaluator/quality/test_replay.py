from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eplb_variants import EplbError, Placement, Topology, check_placement, load_variant
from eplb_variants.registry import build
from evaluator.quality import metrics
from evaluator.quality.kernels import is_sound
from evaluator.quality.replay import replay
from evaluator.workloads.synthetic import Synthetic

TOPOLOGY = Topology(24, 4, 2, 4)
WINDOWS = Synthetic(num_layers=3, num_experts=16, top_k=2, num_groups=4, tokens=5000, windows=5).make(0).windows(1)


class Spy:
    """A variant that keeps what it was shown."""

    name, summary, windows, dispatcher, reactive = "spy", "", 2, None, None

    def __init__(self):
        self.seen, self.previous = [], []

    def place(self, load, topology, previous=None):
        self.seen.append(load)
        self.previous.append(previous)
        return load_variant("deepseek").place(load[-1], topology)


def test_own_and_next_are_the_windows_they_say():
    rows = list(replay(load_variant("deepseek"), WINDOWS, TOPOLOGY))
    assert [row["window"] for row in rows] == [0, 1, 2, 3, 4]
    for window, row in enumerate(rows):
        placement = load_variant("deepseek").place(WINDOWS[window], TOPOLOGY)
        assert row["balancedness_gpu_own"] == metrics.balance(WINDOWS[window], placement).gpu
        if window + 1 < len(WINDOWS):
            assert row["balancedness_gpu_next"] == metrics.balance(WINDOWS[window + 1], placement).gpu
    assert "balancedness_gpu_next" not in rows[-1]
    assert rows[0]["moved_slots"] is None
    assert 0 < rows[1]["moved_slots"] < 1


def test_a_variant_sees_the_past_alone_and_copies_of_it():
    spy = Spy()
    before = WINDOWS.copy()
    list(replay(spy, WINDOWS, TOPOLOGY))
    for window, seen in enumerate(spy.seen):
        np.testing.assert_array_equal(seen, WINDOWS[max(0, window - 1) : window + 1])
        assert not np.shares_memory(seen, WINDOWS)
    np.testing.assert_array_equal(WINDOWS, before)
    assert spy.previous[0] is None
    with pytest.raises(ValueError, match="read-only"):
        spy.previous[1].phy2log[0, 0] = 1


def test_the_load_per_gpu_is_kept_for_one_window_with_a_next():
    rows = list(replay(load_variant("deepseek"), WINDOWS, TOPOLOGY))
    assert [("gpu_load" in row) for row in rows] == [False, False, False, True, False]
    placement = load_variant("deepseek").place(WINDOWS[3], TOPOLOGY)
    expected = metrics.gpu_loads(WINDOWS[4], placement)
    np.testing.assert_allclose(np.reshape(rows[3]["gpu_load"], (3, 4)), expected / expected.mean(axis=1, keepdims=True))


def test_one_window_is_judged_on_itself():
    (row,) = replay(load_variant("deepseek"), WINDOWS[:1], TOPOLOGY)
    assert row["balancedness_gpu_own"] > 0.5
    assert "gpu_load" in row


def test_a_placement_that_is_none_is_refused_with_its_layer():
    class Wrong:
        name, summary, windows, dispatcher, reactive = "wrong", "", 1, None, None

        def place(self, load, topology, previous=None):
            phy2log = np.zeros((3, 24), dtype=np.int64)
            return Placement(phy2log, phy2log, 16, topology)

    with pytest.raises(EplbError, match="layer 0 has no slot for expert 1"):
        list(replay(Wrong(), WINDOWS, TOPOLOGY))


def test_the_compiled_check_passes_what_the_readable_one_passes():
    """Every way in which a placement can be wrong, and many that are right: both say the same."""
    draw = np.random.default_rng(0)
    topology, num_experts = Topology(12, 1, 1, 4), 8
    right = wrong = 0
    for _ in range(3000):
        placement = load_variant("deepseek").place(draw.random((3, num_experts)), topology)
        phy2log, rank = placement.phy2log.copy(), placement.rank.copy()
        for _ in range(draw.integers(0, 3)):
            array = (phy2log, rank)[draw.integers(2)]
            array[draw.integers(3), draw.integers(12)] = draw.integers(-1, num_experts + 1)
        try:
            check_placement(phy2log, num_experts, topology, rank=rank)
        except EplbError:
            wrong += 1
            assert not is_sound(phy2log, rank, num_experts)
        else:
            right += 1
            assert is_sound(phy2log, rank, num_experts)
    assert min(right, wrong) > 500


def dispatching(dispatcher):
    return load_variant({**load_variant("deepseek").config, "dispatcher": dispatcher})


def test_a_variant_that_dispatches_is_judged_by_its_shares_and_by_the_bound_of_any_split():
    """By the exact split, the headline is what the columns of dispatch say of the same placement without one."""
    plain = list(replay(load_variant("deepseek"), WINDOWS, TOPOLOGY))
    split = list(replay(dispatching("flow"), WINDOWS, TOPOLOGY))
    for before, row in zip(plain[:-1], split[:-1], strict=True):
        for on in ("own", "next"):
            assert row[f"balancedness_gpu_{on}"] == pytest.approx(before[f"balancedness_gpu_dispatch_{on}"], rel=1e-12)
            assert row[f"bound_gpu_{on}"] == before[f"bound_gpu_dispatch_{on}"]
            assert row[f"optimality_{on}"] == row[f"balancedness_gpu_{on}"] / row[f"bound_gpu_{on}"]
            if f"remote_tokens_dispatch_{on}" in row:
                assert row[f"remote_tokens_{on}"] >= row[f"remote_tokens_dispatch_{on}"] - 1e-12


def test_even_shares_that_are_chosen_are_those_without_a_dispatcher():
    plain, even = (list(replay(v, WINDOWS, TOPOLOGY)) for v in (load_variant("deepseek"), dispatching("even")))
    for before, row in zip(plain[:-1], even[:-1], strict=True):
        for name in ("gpu", "node", "expert", "gpu_layer_mean"):
            assert row[f"balancedness_{name}_next"] == pytest.approx(before[f"balancedness_{name}_next"], rel=1e-12)
        assert row.get("remote_tokens_next") == pytest.approx(before.get("remote_tokens_next"))


def test_a_late_dispatcher_splits_a_window_by_the_load_before_it():
    rows = list(replay(dispatching("late"), WINDOWS, TOPOLOGY))
    place, flow = load_variant("deepseek").place, build("dispatcher", "flow")
    first = place(WINDOWS[0], TOPOLOGY)
    assert rows[0]["balancedness_gpu_own"] == metrics.balance(WINDOWS[0], first).gpu  # there is none before it
    share = flow(WINDOWS[0].astype(float), first)
    assert rows[0]["balancedness_gpu_next"] == pytest.approx(metrics.balance_split(WINDOWS[1], first, share).gpu)
    second = place(WINDOWS[1], TOPOLOGY)
    share = flow(WINDOWS[0].astype(float), second)
    assert rows[1]["balancedness_gpu_own"] == pytest.approx(metrics.balance_split(WINDOWS[1], second, share).gpu)


def test_planned_shares_are_those_for_the_forecast_whatever_comes():
    planned, flow = (list(replay(dispatching(name), WINDOWS, TOPOLOGY)) for name in ("planned", "flow"))
    for one, other in zip(planned[:-1], flow[:-1], strict=True):  # the forecast is the own window
        assert one["balancedness_gpu_own"] == pytest.approx(other["balancedness_gpu_own"], rel=1e-12)
        assert one["balancedness_gpu_next"] <= other["balancedness_gpu_next"] + 1e-12


def test_shares_that_a_stranger_hands_out_are_checked():
    class Wrong:
        name, summary, windows, dispatcher, reactive = "wrong", "", 1, None, None

        def place(self, load, topology, previous=None):
            made = load_variant("deepseek").place(load[-1], topology)
            return replace(made, share=np.full(made.phy2log.shape, 0.7))

    with pytest.raises(EplbError, match="the shares of expert 0 of layer 0 do not add up to 1"):
        list(replay(Wrong(), WINDOWS, TOPOLOGY))


def by_steps(variant, dispatcher=None, interval=4):
    """Return the rows of a variant on windows of four steps, and the steps of each window."""
    trace = Synthetic(num_layers=3, num_experts=16, top_k=2, num_groups=4, tokens=5000, windows=20).make(0)
    config = load_variant(variant).config | ({"dispatcher": dispatcher} if dispatcher else {})
    steps = trace.steps_of(interval)
    return list(replay(load_variant(config), trace.windows(interval), TOPOLOGY, steps)), steps


def test_a_placement_is_judged_on_each_step_of_the_window_after_it():
    """The steps are those of the next window, each under the placement made before it."""
    rows, steps = by_steps("deepseek")
    assert "imbalance_p50_next" not in rows[-1]
    for window, row in enumerate(rows[:-1]):
        placement = load_variant("deepseek").place(steps(window).sum(axis=0), TOPOLOGY)
        found = [1 / metrics.balance(step, placement).gpu for step in steps(window + 1)]
        assert row["imbalance_p50_next"] == pytest.approx(np.median(found))
        assert row["imbalance_p95_next"] == pytest.approx(np.quantile(found, 0.95))
        assert row["imbalance_worst_next"] == pytest.approx(max(found))
        whole = 1 / row["balancedness_gpu_next"]
        assert whole < np.mean(found), "a window levels what its steps have"


def test_steps_are_judged_in_tiles_where_the_machine_has_them():
    trace = Synthetic(num_layers=3, num_experts=16, top_k=2, num_groups=4, tokens=5000, windows=8).make(0)
    windows, steps = trace.windows(4), trace.steps_of(4)
    tiled = replace(TOPOLOGY, alignment=128)
    plain, row = (next(replay(load_variant("deepseek"), windows, one, steps)) for one in (TOPOLOGY, tiled))
    placement = load_variant("deepseek").place(windows[0], tiled)
    expected = np.mean([metrics.imbalance_tiles(step, placement) for step in steps(1)])
    assert row["imbalance_tiles_next"] == pytest.approx(expected)
    assert row["imbalance_tiles_next"] > row["imbalance_p50_next"] == plain["imbalance_p50_next"]
    assert "imbalance_tiles_next" not in plain


def test_steps_are_split_as_the_variants_dispatcher_splits_and_a_late_one_sees_the_step_before():
    rows, steps = by_steps("deepseek", "late")
    flow = build("dispatcher", "flow")
    placement = load_variant("deepseek").place(steps(0).sum(axis=0), TOPOLOGY)
    seen = [steps(0)[-1], *steps(1)[:-1]]
    found = [
        1 / metrics.balance_split(step, placement, flow(before.astype(float), placement)).gpu
        for step, before in zip(steps(1), seen, strict=True)
    ]
    assert rows[0]["imbalance_worst_next"] == pytest.approx(max(found))
    exact, _ = by_steps("deepseek", "flow")
    assert exact[0]["imbalance_worst_next"] < rows[0]["imbalance_worst_next"]


def test_a_step_without_load_is_left_out():
    trace = Synthetic(num_layers=3, num_experts=16, top_k=2, num_groups=4, tokens=5000, windows=8).make(0)
    windows, steps = trace.windows(4), trace.steps_of(4)
    row = next(
        replay(load_variant("deepseek"), windows, TOPOLOGY, lambda w: steps(w) * np.array([1, 0, 1, 1])[:, None, None])
    )
    assert row["imbalance_worst_next"] >= row["imbalance_p50_next"] > 1
    nothing = next(replay(load_variant("deepseek"), windows, TOPOLOGY, lambda w: steps(w) * 0))
    assert np.isnan(nothing["imbalance_worst_next"])
    assert np.isnan(nothing["active_experts_next"])


def test_a_variant_that_fetches_within_the_step_is_judged_by_the_placement_of_the_step():
    variant = load_variant({"placer": "at_home", "reactive": {"name": "ultraep", "least": 0.0}})
    rows = list(replay(variant, WINDOWS, TOPOLOGY))
    placement = variant.place(WINDOWS[0], TOPOLOGY)
    step = variant.react(WINDOWS[1].astype(float), placement)
    row = rows[0]
    assert row["balancedness_gpu_next"] == pytest.approx(metrics.balance_split(WINDOWS[1], step, step.share).gpu)
    assert row["balancedness_gpu_next"] > metrics.balance(WINDOWS[1], placement).gpu + 0.1
    assert row["bound_gpu_next"] >= row["balancedness_gpu_dispatch_next"] >= row["balancedness_gpu_next"] - 1e-12
    found = metrics.fetched(WINDOWS[1], placement, step, step.share)
    assert (row["fetched_next"], row["fetched_worst_next"], row["stuck_next"]) == pytest.approx(tuple(found))
    assert row["fetched_mib_next"] == pytest.approx(42 * found.fetched)
    assert row["fetched_next"] > 0
    assert "fetched_next" not in rows[-1], "there is no next window"
    assert rows[1]["moved_slots"] == 0, "what is fetched for a step is not what is placed"
    assert "fetched_next" not in next(replay(load_variant("deepseek"), WINDOWS, TOPOLOGY))


def test_what_is_fetched_is_the_mean_over_the_steps_of_a_window():
    trace = Synthetic(num_layers=3, num_experts=16, top_k=2, num_groups=4, tokens=5000, windows=8).make(0)
    variant = load_variant({"placer": "at_home", "reactive": {"name": "llep", "least": 0.0}})
    steps = trace.steps_of(4)
    row = next(replay(variant, trace.windows(4), TOPOLOGY, steps))
    placement = variant.place(steps(0).sum(axis=0), TOPOLOGY)
    reactions = [variant.react(step.astype(float), placement) for step in steps(1)]
    found = [metrics.fetched(s, placement, r, r.share) for s, r in zip(steps(1), reactions, strict=True)]
    assert row["fetched_next"] == pytest.approx(np.mean([each.fetched for each in found]))
    worst = [1 / metrics.balance_split(s, r, r.share).gpu for s, r in zip(steps(1), reactions, strict=True)]
    assert row["imbalance_worst_next"] == pytest.approx(max(worst))
    active = [metrics.active_experts(s, r, r.share) for s, r in zip(steps(1), reactions, strict=True)]
    assert row["active_experts_next"] == pytest.approx(np.mean(active))


def test_nothing_is_said_of_what_is_fetched_where_there_is_no_load():
    placement = load_variant("deepseek").place(WINDOWS[0], TOPOLOGY)
    nothing = metrics.fetched(WINDOWS[0] * 0, placement, placement, np.ones(placement.phy2log.shape))
    assert all(np.isnan(nothing))
