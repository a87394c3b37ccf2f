from __future__ import annotations

from evaluator.reports.lines import small_multiples


def test_one_window_is_drawn_too():
    line = {"variant": "v", "first": [0], "last": [0]}
    known, unknown = ({"mean": [v], "low": [v], "high": [v]} for v in (0.1, None))
    (picture,) = small_multiples([{**line, "next": unknown, "own": known}])["pictures"]
    assert picture["next"] == ""
    assert picture["own"].startswith("M")
