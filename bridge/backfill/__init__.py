"""History written as import files, looked at, and submitted: what `bridge backfill` works with."""
