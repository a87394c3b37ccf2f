"""What was measured: its columns, and the folder that keeps it."""
