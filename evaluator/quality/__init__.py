"""What a placement is worth."""
