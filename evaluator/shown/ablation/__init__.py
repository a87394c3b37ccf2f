"""Effects as a table and as a figure."""
