"""Refiners: a placement made better by small changes; one file a strategy."""
