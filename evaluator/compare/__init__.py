"""From parquet to tables, plots and verdicts."""
