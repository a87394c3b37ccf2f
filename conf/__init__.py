"""Hydra configuration: one small file per choice."""
