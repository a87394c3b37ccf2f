"""SGLang's expert-distribution recorder, modes ``stat`` and ``stat_approx``: a ``.pt`` with ``logical_count``.

Its buffer is circular and written raw: unused rows are all zero (they are left out when windows are made) and wrapped
rows are out of order, which cannot be seen from the file. Layers are all hidden layers; dense ones are zero rows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eplb_variants.errors import EplbError
from eplb_variants.loads import as_numpy
from evaluator.workloads.readers.peek import Peek
from evaluator.workloads.trace import Trace

FORMAT = "a .pt of SGLang's recorder (stat, stat_approx)"


def recognises(peek: Peek) -> bool:
    """Whether the file is an archive as ``torch.save`` writes it."""
    return any(name.endswith("/data.pkl") or name == "data.pkl" for name in peek.members)


def read(path: Path) -> Trace:
    """Return the trace; only tensors and plain values are unpickled, tensors of a GPU onto the CPU."""
    import torch

    content: Any = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(content, dict) or "logical_count" not in content:
        keys = ", ".join(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise EplbError(f"it has no 'logical_count', but {keys}")
    counts = as_numpy(content["logical_count"])
    return Trace(counts[None] if counts.ndim == 2 else counts, source="SGLang expert distribution recorder")
