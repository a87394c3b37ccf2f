"""A program to evolve, and candidates against it."""
