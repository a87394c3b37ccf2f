"""Search without a language model: over compositions of the registered stages and their parameters."""
