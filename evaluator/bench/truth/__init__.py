"""Whether verdicts can be believed: how often they are wrong of equals, and how often they find what is there."""
