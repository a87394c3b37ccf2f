"""Programs that cheat, spy or do harm, what each deserves, and what the judge of this machine makes of them."""
