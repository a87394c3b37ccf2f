"""What is long is made or read once, and what was read is said in one line."""

from __future__ import annotations

import numpy as np
import pytest

from evaluator.workloads import UnusableWorkload, recorded, stream, synthetic, what_is_read
from evaluator.workloads.kept import Kept
from evaluator.workloads.readers import canonical_npz
from evaluator.workloads.recorded import Recorded
from evaluator.workloads.synthetic import Synthetic
from evaluator.workloads.trace import Trace
from evaluator.workloads.windows import Windows

SMALL = Synthetic(num_layers=3, num_experts=8, top_k=2, tokens=500, windows=11)


def steps(*largest):
    draw = np.random.default_rng(0)
    return [draw.integers(0, most, (3, 8), endpoint=True) + (most - 1) for most in largest]


def test_a_long_scenario_is_made_step_by_step_and_once(tmp_path, monkeypatch):
    kept = Kept(tmp_path)
    expected = stream(SMALL, 3, 1, 0, kept)
    assert isinstance(expected, np.ndarray)
    monkeypatch.setattr(synthetic, "LONG", 100)
    made = stream(SMALL, 3, 1, 0, kept)
    assert isinstance(made, Windows)
    np.testing.assert_array_equal(list(made), expected)
    monkeypatch.setattr(Synthetic, "steps", None)  # it is not made again
    np.testing.assert_array_equal(list(stream(SMALL, 3, 2, 4, kept)), expected[:8].reshape(4, 2, 3, 8).sum(axis=1))
    with pytest.raises(TypeError):
        stream(SMALL, 4, 1, 0, kept)


def test_a_long_recording_is_read_once_and_anew_when_it_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(recorded, "LONG", 10)
    path, kept = tmp_path / "trace.npz", Kept(tmp_path / "kept")
    counts = np.stack(steps(4, 5, 6))
    canonical_npz.write(Trace(counts), path)
    np.testing.assert_array_equal(list(stream(Recorded(str(path)), 0, 1, 0, kept)), counts)
    reader, canonical_npz_read = canonical_npz, canonical_npz.read
    monkeypatch.setattr(reader, "read", None)
    np.testing.assert_array_equal(list(stream(Recorded(str(path)), 7, 1, 0, kept)), counts)
    monkeypatch.setattr(reader, "read", canonical_npz_read)
    canonical_npz.write(Trace(counts + 1), path)
    np.testing.assert_array_equal(list(stream(Recorded(str(path)), 0, 1, 0, kept)), counts + 1)


@pytest.fixture
def recording(tmp_path):
    """Return a recording of seven steps, one of them empty, and three layers, one of them dense."""
    counts = np.random.default_rng(0).integers(1, 9, (7, 3, 8))
    counts[2] = 0
    counts[:, 0] = 0
    canonical_npz.write(Trace(counts), tmp_path / "trace.npz")
    return Recorded(str(tmp_path / "trace.npz"))


@pytest.mark.parametrize("long", [False, True])
def test_the_line_says_format_size_what_is_left_out_and_windows(recording, tmp_path, monkeypatch, long):
    monkeypatch.setattr(recorded, "LONG", 10 if long else 1 << 30)
    assert what_is_read(recording, 2, 2, Kept(tmp_path / "kept")) == (
        f"{recording.path!r}, a canonical .npz with an array 'counts': 7 steps (1 without load left out, "
        "2 beyond the last window not used), 3 layers (1 of them dense, without load), 8 experts; 2 windows of 2 steps"
    )
    assert (tmp_path / "kept").exists() == long, "a long recording is kept when it is first read"


def test_one_window_is_said_to_leave_the_own_one_for_a_headline(recording):
    assert what_is_read(recording, 6).endswith(
        "1 window of 6 steps; none has a next window, so the headline is balancedness on the own window"
    )
    assert "headline" not in what_is_read(recording, 3)


def test_of_what_is_made_nothing_was_read():
    assert what_is_read(SMALL, 1) is None


def test_a_recording_that_cannot_be_used_is_one_sentence_that_names_the_file(recording, tmp_path):
    with pytest.raises(UnusableWorkload, match=r"trace.npz', a canonical .npz .* the trace has 6 steps with load: too"):
        what_is_read(recording, 7)
    (tmp_path / "trace.npz").write_bytes((tmp_path / "trace.npz").read_bytes()[:-40])
    with pytest.raises(UnusableWorkload, match="cut short or damaged"):
        what_is_read(recording, 1)
    with pytest.raises(UnusableWorkload, match="there is no workload in"):
        what_is_read(Recorded(str(tmp_path / "no.npz")), 1)
