"""Every format is recognised by its content and read back; what is damaged or foreign is an error that says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eplb_variants import EplbError
from evaluator.workloads.readers import READERS, read_steps, read_trace


def test_the_counts_come_back_whatever_the_file_is_called(file, counts):
    renamed = file.rename(file.with_name("what"))
    np.testing.assert_array_equal(read_trace(renamed).counts, counts)


def test_steps_come_one_by_one_from_every_format(file, counts):
    np.testing.assert_array_equal(np.stack(list(read_steps(file))), counts)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.99])
def test_a_file_that_was_cut_short_is_an_error(file, share):
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(EplbError) as caught:
        read_trace(file)
    assert file.name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"hello", "an unknown kind of file"),
        (b'{"some": "json"}', "JSON with neither 'load_history' nor 'logical_count'"),
        (b"\x80\x04K\x01.", "a pickle"),
        (b'{"logical_count": "x"}', "holds str values"),
        (b'{"logical_count": [[1, 2], [3]]}', "not an array"),
        (b'{"logical_count": [[1.5, 2]]}', "whole numbers"),
        (b'{"logical_count": [[-1, 2]]}', "negative count in step 0, layer 0"),
        (b'{"a": {"logical_count": [[1]]}}', "not a key of its outermost object"),
        (b'{"load_history": []}', "is empty"),
        (b'{"load_history": [{"x": 1}]}', "step 0 .* has no 'logical_expert_load'"),
        (b'{"load_history": {"x": 1}}', "is no list"),
        (
            b'{"load_history": [{"logical_expert_load": [[1, 2]]}, {"logical_expert_load": [[1]]}]}',
            "differ in their numbers",
        ),
        (b'{"load_history": [{"logical_expert_load": [1, 2]}]}', "no table of whole numbers"),
    ],
)
def test_another_kind_of_file_is_an_error_that_says_what_was_found(tmp_path, content, says):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(EplbError, match=says):
        read_trace(path)


def test_a_missing_file_and_a_folder_are_errors(tmp_path):
    with pytest.raises(EplbError, match="there is no file"):
        read_trace(tmp_path / "missing.npz")
    with pytest.raises(EplbError, match="is not a file"):
        read_trace(tmp_path)


def test_a_file_that_may_not_be_read_is_an_error(tmp_path, monkeypatch):
    path = tmp_path / "closed.npz"
    path.write_bytes(b"PK")

    def closed(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(EplbError, match=r"closed.npz' cannot be read: Permission denied"):
        read_trace(path)


def test_what_a_library_says_is_written_out_and_cut_short(file, monkeypatch):
    """Words of a file or of a library may hold anything, and a sentence is one line of some hundred characters."""

    def fail(path):
        raise ValueError("\x1b[31mred\x00" + "x" * 10_000 + "\n more")

    for reader in READERS:
        monkeypatch.setattr(reader, "read", fail)
        monkeypatch.delattr(reader, "steps", raising=False)
    for read in (read_trace, lambda path: list(read_steps(path))):
        with pytest.raises(EplbError) as caught:
            read(file)
        assert str(caught.value).isprintable()
        assert "ValueError: \\x1b[31mred\\x00xxx" in str(caught.value)
        assert len(str(caught.value)) < 700


@pytest.mark.parametrize(("error", "says"), [(RecursionError(), "nested too deeply"), (MemoryError(), "more memory")])
def test_errors_without_words_get_some(file, monkeypatch, error, says):
    def fail(path):
        raise error

    for reader in READERS:
        monkeypatch.setattr(reader, "read", fail)
    with pytest.raises(EplbError, match=says):
        read_trace(file)


@pytest.mark.extra
def test_a_real_recording(extra):
    path = extra("workloads/deepseek_v2_lite.npz")
    trace = read_trace(path)
    assert trace.counts.shape == (518, 26, 64)
    assert (trace.counts.sum(axis=2) == trace.tokens_per_step * trace.top_k).all()
