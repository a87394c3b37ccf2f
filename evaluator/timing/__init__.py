"""How long a placement takes, beside a reference."""
