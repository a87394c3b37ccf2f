"""What the requests of a recording do, where it tells its tokens apart: do tokens of one request choose alike?

A canonical ``.npz`` may have, beside its counts, the experts of each token and the request and domain that it belongs
to. ``workloads/recordings/byte_moe.npz`` has.

Shapes: L layers, K experts a token, N tokens, R requests, D domains, E logical experts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eplb_variants.errors import EplbError, printable
from eplb_variants.loads import FloatArray, IntArray

ENTRIES = ("expert_ids", "token_request", "request_domain", "domains")


class Tokens(NamedTuple):
    """Tokens in the order in which they were computed."""

    expert_ids: NDArray[Any]
    """``[L, K, N]``, distinct experts of each token and layer."""
    token_request: NDArray[Any]
    """``[N]``, the request of each token."""
    request_domain: NDArray[Any]
    """``[R]``, the domain of each request."""
    domains: list[str]


class Alike(NamedTuple):
    """How alike tokens of one request choose, for requests of some length."""

    requests: int
    phi: float
    """Variance of an expert's count in a request over that of independent tokens."""
    correlation: float
    """Of two tokens of a request in whether they choose an expert: ``(phi - 1) / (m - 1)``, where ``m`` is the length
    of a token's request, on average over tokens."""


def read_tokens(path: str | Path) -> Tokens | None:
    """Return the tokens of a recording; None where it has only counts.

    Raises:
        EplbError: there are some, but they cannot be read or do not fit together.
    """
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            if not set(ENTRIES) <= set(file.files):
                return None
            ids, request, domain, names = (file[entry] for entry in ENTRIES)
    except Exception as error:  # another format, which has none, or a damaged file
        if not str(path).endswith(".npz"):
            return None
        raise EplbError(printable(f"the tokens of {str(path)!r} cannot be read: {error}")) from None
    fits = ids.ndim == 3 and request.shape == ids.shape[2:] and domain.ndim == 1 and names.ndim == 1
    whole = all(array.dtype.kind in "iu" and array.size and array.min() >= 0 for array in (ids, request, domain))
    if not (fits and whole and request.max() < domain.size and domain.max() < names.size):
        raise EplbError(printable(f"the tokens of {str(path)!r} do not fit together"))
    return Tokens(ids, request, domain, [str(name) for name in names])


def loads_by_domain(tokens: Tokens, num_experts: int) -> IntArray:
    """Return the tokens ``[D, L, E]`` of each domain."""
    of_token = tokens.request_domain[tokens.token_request]
    return _counts(tokens.expert_ids, of_token, len(tokens.domains), num_experts)


def alike(tokens: Tokens, num_experts: int, shortest: int, longest: int, within_domain: bool = False) -> Alike:
    """Return how alike the tokens of requests choose.

    Args:
        tokens: of a recording.
        num_experts: logical experts.
        shortest: tokens of a request, at least; 2 or more.
        longest: at most.
        within_domain: measure around what the request's own domain chooses, not around what all tokens choose.
    """
    num_requests = len(tokens.request_domain)
    length_R = np.bincount(tokens.token_request, minlength=num_requests)
    count_RLE = _counts(tokens.expert_ids, tokens.token_request, num_requests, num_experts)
    chosen_R = (length_R >= max(shortest, 2)) & (length_R <= longest)
    usual_DLE = loads_by_domain(tokens, num_experts).astype(float)
    if not within_domain:
        usual_DLE = np.broadcast_to(usual_DLE.sum(axis=0), usual_DLE.shape)
    usual_DLE = usual_DLE * len(tokens.expert_ids[0]) / np.maximum(usual_DLE.sum(axis=2, keepdims=True), 1)
    chance_RLE = usual_DLE[tokens.request_domain[chosen_R]]
    length_R11: FloatArray = length_R[chosen_R][:, None, None].astype(float)
    found = ((count_RLE[chosen_R] - length_R11 * chance_RLE) ** 2).sum()
    independent = (length_R11 * chance_RLE * (1 - chance_RLE)).sum()
    phi = float(found / independent) if independent > 0 else float("nan")
    mean_length = float((length_R11**2).sum() / max(length_R11.sum(), 1.0))
    return Alike(int(chosen_R.sum()), phi, (phi - 1) / (mean_length - 1) if mean_length > 1 else float("nan"))


def _counts(ids_LKN: NDArray[Any], row_N: NDArray[Any], num_rows: int, num_experts: int) -> IntArray:
    """Return how often each expert was chosen, ``[rows, L, E]``."""
    num_layers = len(ids_LKN)
    layer_L11 = np.arange(num_layers)[:, None, None]
    flat = (row_N.astype(np.int64) * num_layers + layer_L11) * num_experts + ids_LKN
    counts = np.bincount(flat.ravel(), minlength=num_rows * num_layers * num_experts)
    return counts.reshape(num_rows, num_layers, num_experts).astype(np.int64)
