"""From a plan to rows in a folder: cells, their identity, and who measures them."""
