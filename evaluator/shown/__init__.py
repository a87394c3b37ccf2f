"""How results are shown: tables, plots, files."""
