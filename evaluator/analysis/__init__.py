"""What the rows of runs allow to be said: numbers, never pictures."""
