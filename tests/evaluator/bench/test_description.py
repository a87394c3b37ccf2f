"""The recording that ships is what docs/workloads.md says; figures of what was made are those that were put in."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from evaluator.bench.description import facts
from evaluator.shown.words import number
from evaluator.workloads.readers import read_trace
from evaluator.workloads.requests import read_tokens
from evaluator.workloads.shipped import shipped_recordings
from evaluator.workloads.synthetic import Synthetic

DOCS = (Path(__file__).parents[3] / "docs" / "workloads.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \|", re.MULTILINE)


def said():
    """Return the figures of our recording in the docs, by what they are."""
    (section,) = re.findall(r"^## The recording that ships\n(.*?)^## ", DOCS, re.DOTALL | re.MULTILINE)
    return {what.strip(): value.strip() for what, value in ROW.findall(section)}


def test_the_docs_say_what_the_recording_is_like():
    path = shipped_recordings()["byte_moe"]
    trace = read_trace(path)
    found = {what: number(value, ".3g") for what, value in facts(trace.counts, 16, trace.top_k, read_tokens(path))}
    table = said()
    assert len(found.keys() & table.keys()) == len(found), found.keys() - table.keys()
    assert {what: table[what] for what in found} == found


def test_the_docs_say_how_well_its_model_has_learned():
    with np.load(shipped_recordings()["byte_moe"]) as file:
        known = dict(zip(file["domains"].tolist(), file["bits_per_byte"].tolist(), strict=True))
    called = {"c": "C", "json": "JSON", "table": "the table"}
    text = " ".join(DOCS.split())
    for domain, bits in known.items():
        assert re.search(rf"{bits:.2f} (bits a byte )?of {called.get(domain, domain.capitalize())}", text), domain


def test_figures_of_what_was_made_are_those_that_it_was_made_with():
    made = Synthetic(num_layers=6, num_experts=64, top_k=4, tokens=4000, windows=16, sigma=0.6, rho=1.0, requests=40)
    dense = np.concatenate([made.make(0).counts, np.zeros((16, 1, 64), int)], axis=1)
    found = dict(facts(dense, 1, 4))
    assert found["noise / independent tokens (phi)"] == pytest.approx(made.noise, rel=0.25)
    assert found["correlation within a stretch, lag 1"] > 0.9
    assert found["stretches between jumps"] == 1
    assert found["Gini coefficient of the most even layer"] <= found["Gini coefficient"], "a dense layer weighs nothing"
    assert found["next balancedness of deepseek"] < found["own balancedness of deepseek"] <= 1
    assert "requests" not in found
