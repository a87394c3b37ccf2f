from __future__ import annotations

import itertools

import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from eplb_variants import variant_names
from evaluator.shown import style


def contrast(one, other):
    def luminance(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_a_colour_is_of_the_name_alone_and_the_reference_has_its_own():
    """Whatever else a run holds: 'seed' looks the same in all of them."""
    assert style.colour_of("seed") == style.colour_of("seed", "deepseek") == "#017f7f"
    assert style.colour_of("seed", "seed") == style.colour_of("deepseek", "deepseek") == style.REFERENCE_COLOUR


def test_shipped_variants_have_different_colours():
    names = [name for name in variant_names() if not style.is_floor(name)]
    assert {"seed", "seed_parent", "deepseek"} <= set(names)
    for one, other in itertools.combinations(names, 2):
        assert style.colour_of(one) != style.colour_of(other), f"{one}, {other}"


@pytest.mark.parametrize("colour", style.COLOURS)
def test_a_colour_is_seen_on_a_light_page_and_on_a_dark_one(colour):
    assert contrast(colour, "#ffffff") > 2.8
    assert contrast(colour, "#14171a") > 2.8


def test_floors_are_known_by_their_names():
    assert style.is_floor("contiguous")
    assert style.is_floor("random[seed=3]")
    assert not style.is_floor("seed_parent")


@pytest.mark.parametrize(
    ("ends", "span"),
    [
        ({"a": (-0.001, 0.002), "contiguous": (-0.4, -0.3)}, (-0.001, 0.002)),
        ({"random": (-0.2, -0.1), "contiguous": (-0.4, -0.3)}, (-0.4, -0.1)),
        ({"a": (-0.001, 0.002), "b": (0.0, 0.003), "bad": (-0.9, -0.8)}, (-0.001, 0.003)),
        ({"a": (0.1, 0.2), "base": (5.0, 5.0)}, (0.1, 0.2)),
        ({}, (0.0, 0.0)),
    ],
)
def test_an_axis_is_made_for_what_is_compared(ends, span):
    """Floors, and what lies far from all others, do not press the rest into one line; alone they have the axis."""
    assert style.span_of(ends, "base") == span


def test_captions_are_broken_between_words_into_lines_that_the_figure_holds():
    figure = Figure(figsize=(3, 2), layout="constrained")
    style.caption(figure, "one sentence that is longer than the figure is wide", "", "and another one")
    text = figure._supxlabel
    figure.draw_without_rendering()
    assert text.get_text().replace("\n", " ") == "one sentence that is longer than the figure is wide; and another one"
    assert text.get_window_extent().width < figure.bbox.width
