"""Balancers of engines that the user has installed, run from the engines' own code; one file a balancer.

An engine's placement modules need nothing but NumPy and torch, so ``pip install --no-deps ENGINE`` is enough.
"""
