from __future__ import annotations

import numpy as np
import pytest

from evaluator.shown.labels import Box, Point, label_spots, log_ticks, round_ticks, spread


def box_of(point, spot):
    left = spot.x - {"start": 0, "middle": point.width / 2, "end": point.width}[spot.anchor]
    return Box(left, spot.y - point.height / 2, left + point.width, spot.y + point.height / 2)


@pytest.mark.parametrize("beside_first", [True, False])
def test_labels_cover_neither_each_other_nor_a_marker_and_stay_in_the_frame(beside_first):
    draw = np.random.default_rng(0)
    frame = Box(0, 0, 600, 400)
    points = [Point(*draw.uniform((10, 10), (590, 390)), 5, 60, 14) for _ in range(40)]
    spots = label_spots(points, range(40), frame, beside_first=beside_first)
    markers = [Box(p.x - 5, p.y - 5, p.x + 5, p.y + 5) for p in points]
    boxes = [box_of(point, spot) for point, spot in zip(points, spots, strict=True) if spot]
    assert len(boxes) > 20
    for number, box in enumerate(boxes):
        assert frame.holds(box)
        assert not any(box.meets(other) for other in [*markers, *boxes[:number]])


def test_three_points_on_one_place_have_a_label_each():
    spots = label_spots([Point(100, 100, 5, 60, 14)] * 3, range(3), Box(0, 0, 200, 200))
    assert len(set(spots)) == 3
    assert None not in spots


def test_places_are_spread_as_little_as_they_must_be():
    assert spread([5.0, 1.0, 9.0], 2.0, 0.0, 10.0) == [5.0, 1.0, 9.0]
    close = spread([5.0, 5.0, 5.1, 9.9], 2.0, 0.0, 10.0)
    assert min(np.diff(sorted(close))) >= 2.0 - 1e-9
    assert max(close) <= 10.0


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.0021, 0.0007), (3.0, 3.0001), (-5e4, 8e4)])
def test_round_values_lie_between_the_ends(low, high):
    for number in (3, 5, 7):
        ticks = round_ticks(low, high, number)
        assert 1 <= len(ticks) <= number + 1
        assert low <= min(ticks)
        assert max(ticks) <= high


def test_ticks_of_a_logarithmic_axis_are_plain_numbers():
    assert log_ticks(0.29, 1.3) == pytest.approx([0.5, 1.0])
    assert log_ticks(0.3, 40) == pytest.approx([0.5, 1, 2, 5, 10, 20])
    assert len(log_ticks(1.02, 1.3)) > 1
