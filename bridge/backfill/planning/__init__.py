"""Which offsets are history, and how that was decided."""
