"""Dispatch: which part of its expert's tokens each slot gets; one file a strategy."""
