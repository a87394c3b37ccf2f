"""Packers: items into packs of equally many, as evenly as they can; one file a strategy."""
