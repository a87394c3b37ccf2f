"""Loads over time, made or recorded."""
