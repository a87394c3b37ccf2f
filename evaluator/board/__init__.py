"""A board: variants and programs that are judged on a suite, each with who made it and what it claims."""
