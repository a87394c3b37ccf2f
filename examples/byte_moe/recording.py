"""The routing of a model on traffic, token by token, and what is written of it.

Shapes: S steps, L layers, E experts, K experts a token, N tokens of all steps, R requests, D domains.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .corpus import DOMAINS
from .model import ByteMoe
from .traffic import TOKENS, Phase, Request, Traffic

AT_ONCE = 16
"""Requests that go through the model together."""


@torch.no_grad()
def route(model: ByteMoe, traffic: Traffic) -> NDArray[np.uint8]:
    """Return the experts ``[L, K, N]`` of each token, in ascending order.

    Routing looks only back, so that all of a request is computed at once, whatever the steps are.
    """
    of_request = _route_requests(model, traffic.requests)
    done = np.zeros(len(traffic.requests), int)
    ids_NLK = np.empty((len(traffic.request_of), model.size.layers, model.size.top_k), np.uint8)
    for token, request in enumerate(traffic.request_of):
        ids_NLK[token] = of_request[request][done[request]]
        done[request] += 1
    return np.ascontiguousarray(ids_NLK.transpose(1, 2, 0))


def _route_requests(model: ByteMoe, requests: list[Request]) -> list[NDArray[np.uint8]]:
    """Return the experts ``[tokens, L, K]`` of each request."""
    found: list[NDArray[np.uint8]] = []
    for first in range(0, len(requests), AT_ONCE):
        some = requests[first : first + AT_ONCE]
        longest = max(len(request.text) for request in some)
        padded = np.zeros((len(some), longest), np.uint8)
        for row, request in zip(padded, some, strict=True):
            row[: len(request.text)] = request.text
        model(torch.from_numpy(padded).long())
        ids = torch.stack([layer.ids_TK for layer in model.layers], dim=1).unflatten(0, (len(some), longest))
        found += [row[: len(request.text)].numpy().astype(np.uint8) for row, request in zip(ids, some, strict=True)]
    return found


def counts_of(ids_LKN: NDArray[np.uint8], num_experts: int) -> NDArray[np.uint8]:
    """Return the tokens ``[S, L, E]`` by step, layer and expert."""
    num_layers, _, num_tokens = ids_LKN.shape
    steps = num_tokens // TOKENS
    step_LKN = np.broadcast_to(np.arange(num_tokens) // TOKENS, ids_LKN.shape)
    layer_LKN = np.broadcast_to(np.arange(num_layers)[:, None, None], ids_LKN.shape)
    flat = (step_LKN * num_layers + layer_LKN) * num_experts + ids_LKN
    counts = np.bincount(flat.ravel(), minlength=steps * num_layers * num_experts)
    return counts.reshape(steps, num_layers, num_experts).astype(np.uint8)


def write(path: Path, model: ByteMoe, traffic: Traffic, plan: tuple[Phase, ...], bits: dict[str, float]) -> None:
    """Write the recording: counts and what is known of them, then tokens, requests, phases and domains."""
    ids_LKN = route(model, traffic)
    requests, of_token = traffic.requests, traffic.request_of
    step_of = np.arange(len(of_token)) // TOKENS
    began = np.array([step_of[of_token == r].min() for r in range(len(requests))])
    ended = np.array([step_of[of_token == r].max() for r in range(len(requests))])
    notes: dict[str, Any] = {
        "model": "byte_moe: byte-level decoder, 8 layers of 64 experts, trained by examples/byte_moe of eplb-lab",
        "top_k": model.size.top_k,
        "num_groups": 1,
        "tokens_per_step": TOKENS,
        "phase": "mix of prefill and decode",
        "source": "examples/byte_moe of eplb-lab, on text of Python and Debian",
        "licence": "MIT",
        "unit": "bytes routed to an expert",
    }
    np.savez_compressed(
        path,
        counts=counts_of(ids_LKN, model.size.experts),
        expert_ids=ids_LKN,
        token_request=of_token.astype(np.uint16),
        request_domain=np.array([request.domain for request in requests], np.uint8),
        request_prompt=np.array([request.prompt for request in requests], np.uint8),
        request_first_step=began.astype(np.uint16),
        request_last_step=ended.astype(np.uint16),
        step_phase=traffic.phase_of.astype(np.uint8),
        phases=np.array([phase.label for phase in plan]),
        domains=np.array(list(DOMAINS)),
        bits_per_byte=np.array([bits[name] for name in DOMAINS]),
        **notes,
    )
