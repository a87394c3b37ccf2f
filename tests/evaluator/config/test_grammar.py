from __future__ import annotations

import pytest

from eplb_variants.variant import flat
from evaluator.config.grammar import written
from evaluator.config.session import hydra_session
from evaluator.config.unofficial import parser

VALUES = [
    "seed",
    "my loads.npz",
    "/tmp/a-b_c.npz",
    'say "no"',
    "back\\slash",
    "ends with \\",
    '\\"',
    "a,b",
    "it's",
    "null",
    "True",
    "nan",
    "5",
    "",
    "x=1",
    "[1]",
    "{a: 1}",
    "${seed}",
    "glob(*)",
    3,
    -2,
    2.5,
    1e-06,
    float("inf"),
    True,
    None,
    [1, "a b"],
    {"moves": 2},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_is_written_is_read_back(value):
    """Alone and in a sweep, Hydra reads the value that was meant, of the same type."""
    with hydra_session():
        alone, swept = parser().parse_overrides([f"key={written(value)}", f"key={written(value)},{written('other')}"])
        points = parser().parse_overrides([f"key={text}" for text in swept.sweep_string_iterator()])
    for override in (alone, points[0]):
        assert override.value() == value
        assert type(override.value()) is type(value)


def test_keys_are_joined_by_dots():
    assert dict(flat({"a": {"b": 1, "c": {"d": None}}, "e": "x"})) == {"a.b": 1, "a.c.d": None, "e": "x"}
