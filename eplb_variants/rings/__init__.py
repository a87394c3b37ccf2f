"""Placers made to be dispatched: redundancy buys freedom to shift load, not equal replicas; one file a strategy."""
