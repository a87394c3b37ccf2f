"""Fix-ups: small corrections to replica counts before packing; one file a strategy."""
