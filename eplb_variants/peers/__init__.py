"""Planners of engines that are no composition of stages; one file each, from what they do."""
