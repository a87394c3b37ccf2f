from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from eplb_variants import EplbError
from evaluator.analysis.summary import by_workload, summarise
from evaluator.reports.data import choose_reference
from evaluator.reports.heat import STEPS, Budget, block_maximum, heat_maps
from evaluator.reports.series import FEWEST_POINTS, MOST_POINTS, POINTS_OF_A_PAGE, differences, points_per_series

from .conftest import AWKWARD, SCORE, report_of


def test_numbers_are_those_of_summarise(data, frame):
    good = frame[frame["status"] == "ok"]
    parts = dict(by_workload(good))
    assert [panel["title"] for panel in data["panels"]] == ["all 2 workloads and topologies", *parts]
    for panel in data["panels"]:
        summary = summarise(parts.get(panel["title"], good), "deepseek", SCORE)
        assert len(panel["rows"]) == len(summary) == 4
        for entry, (_, row) in zip(panel["rows"], summary.iterrows(), strict=True):
            assert entry["on_front"] == row["front"]
            for name, value in entry["summary"].items():
                if value is None:
                    assert pd.isna(row[name])
                else:
                    assert value == (pytest.approx(row[name], rel=1e-9) if isinstance(value, float) else row[name])


def test_what_a_page_says_is_plain_json(data):
    assert json.loads(json.dumps(data, allow_nan=False)) == json.loads(json.dumps(data))


def test_failed_and_skipped_cells_stand_there_with_their_reasons(data):
    assert [failure["status"] for failure in data["failures"]] == ["skipped", "skipped"]
    assert "256 logical experts do not divide into 12 groups" in data["failures"][0]["reason"]


def test_everything_behind_a_number_is_told(data, frame):
    provenance = data["panels"][1]["provenance"]
    assert provenance["topology"]["num_slots"] == 288
    assert provenance["workload"]["kind"] == "synthetic"
    (behind,) = (line for line in provenance["variants"] if line["variant"] == AWKWARD)
    assert (behind["cells"], behind["seeds"], behind["machines"]) == (1, [0], ["machine 1"])
    assert behind["from"] in map(str, frame.loc[frame["variant"] == AWKWARD, "measured_at"])
    assert data["machines"][0]["description"]["cores"] >= 1
    assert {variant["name"] for variant in data["variants"]} >= {AWKWARD, "deepseek"}


def test_the_verdict_stands_in_words(data):
    said = {said["variant"]: group["verdict"] for group in data["verdicts"] for said in group["variants"]}
    summary = data["panels"][0]["rows"]
    expected = {row["summary"]["variant"]: row["summary"]["verdict"] for row in summary}
    assert said == {name: verdict for name, verdict in expected.items() if name != "deepseek"}
    assert said["contiguous"] == "worse"
    assert [row["cells"][-1][1] for row in data["matrix"]["rows"]] == ["worse", "worse"]


def test_a_report_beside_another_reference_says_that_times_have_no_verdict(frame):
    data = report_of(frame, "seed_parent")
    assert data["times"] == []
    assert any("no verdict on time against seed_parent" in note for note in data["notes"])
    assert "nan" not in json.dumps(data["times"])
    assert all("no verdict on time" in panel["caption"] for panel in data["panels"])


def test_times_beside_different_references_are_left_out_of_what_is_summed_up(frame):
    """The first workload was timed beside one variant, the second beside another."""
    second = frame["workload"].str.startswith("mild")
    mixed = frame.assign(time_reference=frame["time_reference"].where(~second, "seed_parent"))
    data = report_of(mixed)
    assert data["panels"][0]["time_reference"] is None
    assert {row["summary"]["time_ratio"] for row in data["panels"][0]["rows"]} == {None}
    assert [panel["time_reference"] for panel in data["panels"][1:]] == ["deepseek", "seed_parent"]
    assert any("taken beside deepseek and seed_parent" in note for note in data["notes"])


def test_one_window_is_said_to_be_the_own_one(frame):
    data = report_of(frame.assign(balancedness_gpu_next=math.nan))
    assert data["judged_on"] == "own"
    assert any(note.startswith("there is one window only") for note in data["notes"])


def test_differences_by_window_are_paired(data, frame):
    panel = data["panels"][1]
    line = next(line for line in panel["differences"] if line["variant"] == "contiguous")
    part = dict(by_workload(frame[frame["status"] == "ok"]))[panel["title"]].set_index("window")
    by_name = {name: own["balancedness_gpu_next"] for name, own in part.groupby("variant")}
    expected = (by_name["contiguous"] - by_name["deepseek"]).tolist()
    assert line["first"] == line["last"] == list(range(12))
    assert line["next"]["mean"][:-1] == pytest.approx(expected[:-1], abs=1e-6)
    assert line["next"]["mean"][-1] is None, "the last window has no next one"
    assert None not in line["own"]["mean"]


def windows(variant, values):
    return pd.DataFrame(
        {
            "variant": variant,
            "workload": "w",
            "workload_content": "c",
            "topology": "t",
            "interval": 1,
            "seed": 0,
            "window": range(len(values)),
            "balancedness_gpu_next": values,
            "balancedness_gpu_own": 0.5,
        }
    )


@pytest.mark.parametrize(("count", "points"), [(1, 20), (20, 20), (21, 20), (999, 200), (1000, 7)])
def test_a_line_has_few_points_and_forgets_no_window(count, points):
    values = np.random.default_rng(0).normal(0.8, 0.05, count)
    frame = pd.concat([windows("base", np.full(count, 0.8)), windows("v", values)])
    (line,) = differences(frame, "base", ["v", "base"], points)
    assert len(line["first"]) == len(line["last"]) == len(line["next"]["mean"]) <= points
    assert [line["first"][0], line["last"][-1]] == [0, count - 1]
    assert [last + 1 for last in line["last"][:-1]] == line["first"][1:]
    assert min(line["next"]["low"]) == pytest.approx((values - 0.8).min(), abs=1e-6)
    assert max(line["next"]["high"]) == pytest.approx((values - 0.8).max(), abs=1e-6)
    sizes = [last - first + 1 for first, last in zip(line["first"], line["last"], strict=True)]
    assert np.average(line["next"]["mean"], weights=sizes) == pytest.approx((values - 0.8).mean(), abs=1e-6)


def test_a_page_of_many_lines_has_fewer_points_each():
    assert points_per_series(1) == MOST_POINTS
    assert points_per_series(10**6) == FEWEST_POINTS
    assert points_per_series(1000) * 1000 <= POINTS_OF_A_PAGE


def test_heat_maps_keep_their_values(data, frame):
    import base64

    heat = data["panels"][1]["heat"]
    first, *others = [drawn["name"] for drawn in heat["maps"]]
    assert first == "before: experts in order"
    assert "contiguous" not in others, "it would be the first map again"
    drawn = next(drawn for drawn in heat["maps"] if drawn["name"] == "deepseek")
    values = np.frombuffer(base64.b64decode(drawn["values"]), "<u2") / STEPS * drawn["scale"]
    part = dict(by_workload(frame[frame["status"] == "ok"]))[data["panels"][1]["title"]]
    stored = part[(part["variant"] == "deepseek") & part["gpu_load"].notna()]["gpu_load"].iloc[0]
    np.testing.assert_allclose(values, stored, atol=drawn["scale"] / STEPS)
    assert (drawn["layers"], drawn["gpus"]) == (3, 32)


def test_large_maps_show_the_maximum_of_a_block():
    load_LG = np.arange(35.0).reshape(5, 7)
    assert block_maximum(load_LG, 2, 3).tolist() == [[9, 12, 13], [23, 26, 27], [30, 33, 34]]


def test_maps_stop_where_the_page_has_enough_of_them(frame):
    part = by_workload(frame[frame["status"] == "ok"])[0][1]
    budget = Budget(cells=4 * 3 * 32 + 1)
    assert len(heat_maps(part, ["deepseek", "seed_parent", AWKWARD], budget)["maps"]) == 4
    assert budget.cells == 1
    assert heat_maps(part, ["deepseek"], budget) == {"maps": [], "left_out": True}


def test_the_reference_is_chosen_where_nobody_names_one(frame):
    assert choose_reference(frame) == "deepseek"
    without = frame[frame["variant"] != "deepseek"]
    assert choose_reference(without) == min(without.loc[without["status"] == "ok", "variant"])
    assert choose_reference(without.assign(time_reference="seed_parent")) == "seed_parent"
    with pytest.raises(EplbError, match="nothing to report: all cells failed or were skipped, such as: 256"):
        choose_reference(frame[frame["status"] != "ok"])


def test_an_unknown_reference_names_those_that_were_measured(frame):
    with pytest.raises(EplbError, match="no measured variant 'deepsek': did you mean 'deepseek'"):
        report_of(frame, "deepsek")


def test_a_workload_without_the_reference_has_no_table(frame):
    missing = frame[~((frame["variant"] == "deepseek") & frame["workload"].str.startswith("mild"))]
    data = report_of(missing)
    assert [panel["measured"] for panel in data["panels"]] == [True, True, False]
    assert data["matrix"]["rows"][1]["cells"] == [None] * 3


def test_without_times_and_a_next_window_there_is_less_to_say(frame):
    single = frame[(frame["window"] == 0) & frame["workload"].str.startswith("mild")]
    nothing = dict.fromkeys(["balancedness_gpu_next", "place_seconds", "time_ratio", "moved_slots"], math.nan)
    data = report_of(single.assign(**nothing))
    assert data["judged_on"] == "own"
    assert data["times"] == []
    assert {group["verdict"] for group in data["verdicts"]} == {"too few to say"}
    assert data["matrix"] is None
