"""The stream of an expert-load.json: whole whatever surrounds its steps, and no longer held than needed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from eplb_variants import EplbError
from evaluator.workloads.readers import adrs, read_trace


def test_the_stream_does_not_mind_where_its_chunks_end(recording, counts, monkeypatch):
    path = recording("adrs")
    for size in (1, 7, 100, 1001):
        monkeypatch.setattr(adrs, "CHUNK", size)
        np.testing.assert_array_equal(read_trace(path).counts, counts)


def test_a_step_may_hold_anything_beside_its_load(tmp_path, counts):
    """Braces in strings, objects within objects, and more of them than are guessed at."""
    odd = {"name": 'a "}" and a \\', "nested": [{"x": {"y": [{}] * 30}}], "é": 1.5}
    history = [{**odd, "logical_expert_load": step.tolist(), "after": {"}": "{"}} for step in counts]
    (tmp_path / "load.json").write_text(json.dumps({"load_history": history}, ensure_ascii=False, indent=1))
    np.testing.assert_array_equal(read_trace(tmp_path / "load.json").counts, counts)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ([[1.5, 2]], "no table of whole numbers"),
        ([[1, 2], [3]], "no table of whole numbers"),
        ([[1, -2]], "negative count"),
        ([["x"]], "no table of whole numbers"),
        ([], "no table of whole numbers"),
        ("x", "no table of whole numbers"),
        ([[[1]]], "no table of whole numbers"),
        ([[2**70]], "an item of its 'load_history' cannot be read"),
    ],
)
def test_a_step_that_is_no_table_of_counts(tmp_path, table, says):
    (tmp_path / "load.json").write_text(json.dumps({"load_history": [{"logical_expert_load": table}]}))
    with pytest.raises(EplbError, match=says):
        read_trace(tmp_path / "load.json")


def test_json_that_is_broken_in_the_middle_is_found_at_once(tmp_path, monkeypatch):
    step = '{"logical_expert_load": [[1, 2]]}, '
    (tmp_path / "load.json").write_text('{"load_history": [' + step.replace("1,", "1,,") + 1000 * step)
    monkeypatch.setattr(adrs, "CHUNK", 256)
    read, more = [], adrs._more
    monkeypatch.setattr(adrs, "_more", lambda *given: read.append(1) or more(*given))
    with pytest.raises(EplbError, match="is not JSON"):
        read_trace(tmp_path / "load.json")
    assert len(read) < 10


def test_counts_that_no_step_can_have_are_refused(refused):
    content = {"load_history": [{"logical_expert_load": [[1, 2]]}, {"logical_expert_load": [[1, 2**41]]}]}
    assert "a count above 1,099,511,627,776" in refused(json.dumps(content).encode())


def test_what_stands_before_the_history_is_let_go(tmp_path, monkeypatch):
    """A history that never begins, or begins late, takes no more memory than a piece of the file."""
    held, start = [], adrs._START

    class Watched:
        def search(self, buffer):
            held.append(len(buffer))
            return start.search(buffer)

    monkeypatch.setattr(adrs, "CHUNK", 1 << 10)
    monkeypatch.setattr(adrs, "_START", Watched())
    late = {"x": "y" * 50_000, "load_history": [{"logical_expert_load": [[7]]}]}
    (tmp_path / "late.json").write_text(json.dumps(late))
    assert [step.tolist() for step in adrs.steps(tmp_path / "late.json")] == [[[7]]]
    (tmp_path / "never.json").write_text('{"load_history" : ' + " " * 100_000)
    with pytest.raises(EplbError, match="is no list"):
        list(adrs.steps(tmp_path / "never.json"))
    assert max(held) <= adrs.LONGEST_START + adrs.CHUNK


def test_a_step_that_never_ends_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(adrs, "CHUNK", 1 << 10)
    monkeypatch.setattr(adrs, "LARGEST_STEP", 1 << 14)
    (tmp_path / "load.json").write_text('{"load_history": [{"logical_expert_load": [[' + "1, " * 20_000)
    with pytest.raises(EplbError, match="does not end within 16,384 bytes"):
        read_trace(tmp_path / "load.json")


@pytest.mark.parametrize("depth", [2000, 200_000])
def test_a_step_that_is_nested_too_deeply_is_refused(refused, depth):
    opened = b'{"load_history": [{"a": ' + b"[" * depth
    assert "nested too deeply" in refused(opened + b"]" * depth + b"}]}")
    assert "it was cut short" in refused(opened)
