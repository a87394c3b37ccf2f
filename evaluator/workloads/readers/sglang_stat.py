"""SGLang's expert-distribution recorder, modes ``stat`` and ``stat_approx``: a ``.pt`` with ``logical_count``.

Its buffer is circular and written raw: unused rows are all zero (they are left out when windows are made) and wrapped
rows are out of order, which cannot be seen from the file. Layers are all hidden layers; dense ones are zero rows.
"""

from __future__ import annotations

import pickletools
import zipfile
from pathlib import Path
from typing import Any

from eplb_variants.errors import EplbError
from eplb_variants.loads import as_numpy
from evaluator.workloads.readers.peek import Peek
from evaluator.workloads.readers.whole import check_member, table_of
from evaluator.workloads.trace import Trace

FORMAT = "a .pt of SGLang's recorder (stat, stat_approx)"
PICKLE = "data.pkl"
LARGEST_PICKLE = 1 << 20
"""Bytes of the pickle beside the tensors; a recorder's has some hundred."""
NAMES = ("torch._utils _rebuild_tensor_v2", "collections OrderedDict", "torch Size", "torch device")
"""All that a pickle may name, beside types of storage: torch would call others too, some with a size to be taken."""


def recognises(peek: Peek) -> bool:
    """Whether the file is an archive as ``torch.save`` writes it."""
    return any(_is_pickle(name) for name in peek.members)


def read(path: Path) -> Trace:
    """Return the trace; only tensors and plain values are unpickled, tensors of a GPU onto the CPU."""
    _check_archive(path)
    import torch

    content: Any = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(content, dict) or "logical_count" not in content:
        keys = ", ".join(map(repr, list(content)[:8])) if isinstance(content, dict) else type(content).__name__
        raise EplbError(f"it has no 'logical_count', but {keys}")
    given = content["logical_count"]
    if isinstance(given, torch.Tensor):
        if given.layout != torch.strided or given.is_meta or given.is_quantized:
            raise EplbError("its 'logical_count' is no plain tensor")
        if given.numel() * given.element_size() > path.stat().st_size:
            raise EplbError(f"its 'logical_count' is said to have the shape {list(given.shape)}, more than it holds")
        counts = as_numpy(given)
    else:
        counts = table_of(given, "its 'logical_count'")
    return Trace(counts[None] if counts.ndim == 2 else counts, source="SGLang expert distribution recorder")


def _is_pickle(name: str) -> bool:
    return name == PICKLE or name.endswith(f"/{PICKLE}")


def _check_archive(path: Path) -> None:
    """See that nothing in the archive takes more memory than it has bytes, nor calls what has no part in tensors."""
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            check_member(archive, member.filename, size)
            if member.compress_type != zipfile.ZIP_STORED:
                raise EplbError(f"its {member.filename!r} is compressed, which torch.save never does")
        names = [name for name in archive.namelist() if _is_pickle(name)]
        if len(names) != 1:
            raise EplbError(f"it has {len(names)} entries {PICKLE!r}")
        pickle = archive.read(check_member(archive, names[0], LARGEST_PICKLE))
    for operation, argument, _ in pickletools.genops(pickle):
        if operation.name in ("GLOBAL", "STACK_GLOBAL", "INST") and not _is_harmless(str(argument)):
            raise EplbError(f"it names {str(argument)!r}, which has no part in a tensor: nothing of it was loaded")


def _is_harmless(name: str) -> bool:
    module, _, member = name.partition(" ")
    return name in NAMES or (module in ("torch", "torch.storage") and member.endswith("Storage"))
