"""Forecasters: from the windows seen so far to the load to plan for; one file a strategy."""
