"""Train a small byte-level Mixture-of-Experts model and record its routing: ``python -m examples.byte_moe``."""
