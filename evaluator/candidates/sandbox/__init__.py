"""A place where a stranger's program can do no harm and see nothing: one window in, plain integers out."""
