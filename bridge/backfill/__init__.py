"""History written as import files, looked at, and submitted: what `track-bridge backfill` works with."""
