from __future__ import annotations

from evaluator.reports.headline import HEIGHT, MOST_ROWS, SIDE, WIDTH, headline


def row(variant, difference, low=None, high=None, verdict="better"):
    return {
        "variant": variant, "difference": difference, "difference_low": low, "difference_high": high,
        "verdict": verdict,
    }  # fmt: skip


ROWS = [
    row("up", 0.004, 0.002, 0.006),
    row("base", 0.0, 0.0, 0.0),
    row("same", 0.0, -0.001, 0.001, "no difference"),
    row("random", -0.3, -0.4, -0.2, "worse"),
]


def test_a_row_is_the_difference_with_its_interval():
    figure = headline(ROWS, "base")
    up, same, floor = figure["rows"]
    assert [line["variant"] for line in figure["rows"]] == ["up", "same", "random"]
    assert SIDE < figure["zero"] < up["bar"][0] < up["at"] < up["bar"][1] < WIDTH - SIDE
    assert same["at"] == figure["zero"]
    assert (up["text"], up["verdict"]) == ("+0.0040", "better")
    assert (floor["beyond"], floor["bar"], floor["at"]) == ("left", None, SIDE)
    assert floor["text"] == "-0.3000"
    assert HEIGHT > 10


def test_ticks_are_round_and_nought_is_among_them():
    assert "0" in [tick["text"] for tick in headline(ROWS, "base")["ticks"]]


def test_without_an_interval_there_is_a_dot():
    (line,) = headline([row("v", 0.01)], "base")["rows"]
    assert line["bar"] == [line["at"], line["at"]]


def test_of_many_variants_the_best_are_shown_and_the_others_counted():
    figure = headline([row(f"v{n}", -n / 1000) for n in range(MOST_ROWS + 3)], "base")
    assert len(figure["rows"]) == MOST_ROWS
    assert figure["more"] == 3


def test_the_reference_alone_has_no_figure():
    assert headline([row("base", 0.0)], "base") is None
