"""From the rows of runs to one page that explains itself: ``data`` sums up, ``page`` writes it down."""
