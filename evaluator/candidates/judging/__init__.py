"""From a program to a verdict."""
