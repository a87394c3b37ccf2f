"""Replicators: how many copies each expert gets; one file a strategy."""
