"""Balancers within the step: they see the load as it comes, fetch experts into free slots and split tokens."""
