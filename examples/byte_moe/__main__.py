"""Train the model, record it, and say how both went: ``python -m examples.byte_moe OUT.npz``."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from .corpus import read_corpus
from .model import Size
from .recording import write
from .traffic import PLAN, make_traffic
from .training import bits_by_gzip, bits_per_byte, entropy_of_bytes, train

STEPS = 800
"""Of training: 1.6 million bytes, some fifteen minutes on one core."""


def main() -> None:
    """Read the options and do it."""
    parser = argparse.ArgumentParser(prog="byte_moe", description="Train a small MoE on bytes and record its routing.")
    parser.add_argument("out", type=Path, metavar="OUT.npz", help="the recording")
    parser.add_argument("--model", type=Path, metavar="FILE", help="keep the model here, or read it where it is there")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"of training (default: {STEPS})")
    parser.add_argument("--seed", type=int, default=0, help="of weights, batches and traffic (default: 0)")
    parser.add_argument("--threads", type=int, default=1, help="that torch uses (default: 1)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    texts = read_corpus()
    model = train(texts, Size(), options.steps, options.seed, options.model)
    print("bits a byte of text that was not trained on: model, gzip, entropy of single bytes")
    bits = {}
    for name, text in texts.items():
        bits[name] = bits_per_byte(model, text.held_out)
        print(f"{name:9} {bits[name]:.2f} {bits_by_gzip(text.held_out):.2f} {entropy_of_bytes(text.held_out):.2f}")
    traffic = make_traffic([text.held_out for text in texts.values()], PLAN, np.random.default_rng(options.seed))
    write(options.out, model, traffic, PLAN, bits)
    steps, requests, size = len(traffic.phase_of), len(traffic.requests), options.out.stat().st_size
    print(f"{options.out}: {steps:,} steps, {requests:,} requests, {size:,} bytes")


if __name__ == "__main__":
    main()
