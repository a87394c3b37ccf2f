"""Aligners: a new placement brought near the one in place, so that few weights move; one file a strategy."""
