"""Training of the byte-level model, and how well it has learned."""

from __future__ import annotations

import gzip
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from .corpus import Text
from .model import ByteMoe, Size

RATE = 3e-3
WARM_UP = 60
BIAS_STEP = 0.01
"""By which a bias moves a step, at first; it falls with the learning rate. Ten times DeepSeek's for a hundredth of the
steps."""
LOSS_WEIGHT = 1e-3
"""Of the balance loss of each layer, beside the biases."""


def train(texts: Mapping[str, Text], size: Size, steps: int, seed: int, kept: Path | None = None) -> ByteMoe:
    """Return a model that was trained on as many bytes of each domain.

    Args:
        texts: by domain.
        size: of the model.
        steps: of one sequence of each domain.
        seed: of weights and batches.
        kept: file for what was trained; one that is there already is read instead.
    """
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    model = ByteMoe(size)
    if kept is not None and kept.exists():
        model.load_state_dict(torch.load(kept, weights_only=True))
        return model
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.01)
    began, usual = time.perf_counter(), 8.0
    for step in range(steps):
        now = min((step + 1) / WARM_UP, 1.0) * (0.03 + 0.97 * (1 + np.cos(np.pi * step / steps)) / 2)
        for group in optimizer.param_groups:
            group["lr"] = RATE * now
        batch = torch.from_numpy(_batch(texts, size.context + 1, generator)).long()
        logits = model(batch[:, :-1])
        loss = functional.cross_entropy(logits.reshape(-1, 256), batch[:, 1:].reshape(-1))
        uneven = torch.stack([layer.unevenness for layer in model.layers])
        optimizer.zero_grad(set_to_none=True)
        (loss + LOSS_WEIGHT * uneven.sum()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        for layer in model.layers:
            layer.rebalance(BIAS_STEP * now)
        bits = float(loss.detach()) / np.log(2)
        usual += 0.02 * (bits - usual) if step > 50 else bits - usual
        if step % 50 == 0 or step == steps - 1:
            peak = max(float(layer.load_E.max() / layer.load_E.float().mean()) for layer in model.layers)
            print(
                f"step {step:5d}: {usual:.3f} bits a byte, hottest expert of a batch {peak:.2f} times the mean, "
                f"{time.perf_counter() - began:.0f} s",
                flush=True,
            )
    if kept is not None:
        torch.save(model.state_dict(), kept)
    return model


def _batch(texts: Mapping[str, Text], length: int, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return a sequence ``[B, length]`` of each domain."""
    starts = {name: generator.integers(len(text.train) - length) for name, text in texts.items()}
    return np.stack([texts[name].train[start : start + length] for name, start in starts.items()])


@torch.no_grad()
def bits_per_byte(model: ByteMoe, text: NDArray[np.uint8], most: int = 64) -> float:
    """Return the mean code length of bytes that were not trained on, at most ``most`` contexts of them."""
    length = model.size.context
    rows = text[: len(text) // length * length].reshape(-1, length)
    rows = rows[:: max(len(rows) // most, 1)][:most]
    batch = torch.from_numpy(rows).long()
    loss = functional.cross_entropy(model(batch)[:, :-1].reshape(-1, 256), batch[:, 1:].reshape(-1))
    return float(loss / np.log(2))


def entropy_of_bytes(text: NDArray[np.uint8]) -> float:
    """Return the entropy of single bytes, in bits: what a model without context would need."""
    share = np.bincount(text, minlength=256) / len(text)
    return float(-(share[share > 0] * np.log2(share[share > 0])).sum())


def bits_by_gzip(text: NDArray[np.uint8]) -> float:
    """Return the bits a byte that gzip needs for all of a text."""
    return len(gzip.compress(text.tobytes(), 9, mtime=0)) * 8 / len(text)
