"""Candidates: a document or a whole file is read, applied to its parent, run in isolation and judged."""
