"""Floors: placements that look at nothing, so that every table has a bottom; one file a strategy."""
