"""A whole recording in each format."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from evaluator.workloads.readers import canonical_npz, canonical_parquet
from evaluator.workloads.trace import Trace

COUNTS = np.random.default_rng(0).integers(0, 5000, (6, 3, 16)).astype(np.uint16)
TRACE = Trace(
    COUNTS,
    model="a model",
    top_k=2,
    num_groups=4,
    tokens_per_step=64,
    layer_ids=(3, 4, 5),
    phase="decode",
    source="a test",
    licence="MIT",
)


def write_adrs(path):
    history = [{"logical_expert_load": step.tolist(), "gpu_load": [[1.5]]} for step in COUNTS]
    path.write_text(json.dumps({"description": "x", "load_history": history, "after": [1, 2]}))


def write_sglang(path):
    content = {
        "rank": 0,
        "logical_count": torch.tensor(COUNTS.astype(np.int32)),
        "average_utilization_rate_over_window": 0.5,
    }
    torch.save(content, path)


def write_logical_count(path):
    path.write_text(json.dumps({"logical_count": COUNTS.tolist()}))


WRITERS = {
    "canonical_npz": lambda path: canonical_npz.write(TRACE, path),
    "canonical_parquet": lambda path: canonical_parquet.write(TRACE, path),
    "adrs": write_adrs,
    "sglang_stat": write_sglang,
    "logical_count": write_logical_count,
}
SUFFIX = {"canonical_npz": ".npz", "canonical_parquet": ".parquet"}


@pytest.fixture
def counts():
    """Return what every recording holds."""
    return COUNTS


@pytest.fixture
def trace():
    """Return what the canonical recordings hold."""
    return TRACE


@pytest.fixture(params=WRITERS)
def file(request, tmp_path):
    """Return a recording in each format, under a name that says nothing (but .npz, which NumPy would add)."""
    path = tmp_path / f"recording{SUFFIX.get(request.param, '.bin')}"
    WRITERS[request.param](path)
    return path


@pytest.fixture
def recording(tmp_path):
    """Return the function that writes a recording of a format."""

    def write(name):
        path = tmp_path / f"whole{SUFFIX.get(name, '.bin')}"
        WRITERS[name](path)
        return path

    return write


@pytest.fixture
def refused(tmp_path):
    """Return the function that has some bytes refused, and returns the sentence."""

    def refuse(content):
        from eplb_variants import EplbError
        from evaluator.workloads.readers import read_trace

        path = tmp_path / "refused"
        path.write_bytes(content)
        with pytest.raises(EplbError) as caught:
            read_trace(path)
        sentence = str(caught.value)
        assert sentence.isprintable()
        return sentence

    return refuse
