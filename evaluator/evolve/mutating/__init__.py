"""Search over programs without a language model: documents of a library take the place of what a model would answer."""
