"""Programs whose worth is known, for measuring the judge of candidates."""
