from __future__ import annotations

import numpy as np
import pytest

from evaluator.reports.scatter import BOTTOM, HEIGHT, TOP, WIDTH, axis_over, scatter
from evaluator.shown.labels import Box


def point(label, x, y, **more):
    return {"label": label, "x": x, "y": y, "x_low": None, "x_high": None, "y_low": None, "y_high": None,
            "size": None, **more}  # fmt: skip


def test_points_stay_in_the_picture_and_labels_apart():
    draw = np.random.default_rng(0)
    points = [point(f"variant_{n}", *draw.uniform(0.5, 1, 2)) for n in range(60)]
    plot = scatter(points, (0.4, 1.1), log=True, form="{:.2g}".format)
    assert [p["cx"] for p in plot["points"]] == sorted(p["cx"] for p in plot["points"])
    boxes = []
    for p in plot["points"]:
        assert 0 < p["cx"] < WIDTH
        assert 0 < p["cy"] < HEIGHT
        if p["text"]:
            width = len(p["text"]) * 6.6
            left = p["text_x"] - {"start": 0, "middle": width / 2, "end": width}[p["anchor"]]
            boxes.append(Box(left, p["text_y"] - 7, left + width, p["text_y"] + 7))
    assert 10 < len(boxes) < 60
    assert not any(a.meets(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize("values", [[1.0], [0.0, 0.0], [0.3, 3000.0], [-1e-9, 1e-9], [1.0, 1.0000001]])
@pytest.mark.parametrize("log", [True, False])
def test_every_axis_has_ticks_within_it(values, log):
    axis = axis_over(values, 0, 100, log=log and min(values) > 0)
    assert all(0 <= axis.at(value) <= 100 for value in values)
    assert 1 <= len(axis.ticks()) <= 15
    assert all(axis.low <= tick <= axis.high for tick in axis.ticks())


def test_what_lies_beyond_the_axis_stands_at_its_edge_with_its_value():
    points = [point("near", 1.0, 0.001, y_low=0.0, y_high=0.002), point("floor", 0.5, -0.4, y_low=-0.5, y_high=-0.3)]
    floor, near = scatter(points, (-0.002, 0.003), log=True, form=str)["points"]
    assert (floor["beyond"], floor["cy"], floor["y_low_at"]) == ("down", HEIGHT - BOTTOM, None)
    assert floor["text"] == "floor -0.4000"
    assert near["beyond"] is None
    assert TOP < near["y_high_at"] < near["cy"] < near["y_low_at"] < HEIGHT - BOTTOM
