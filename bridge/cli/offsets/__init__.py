"""``bridge offsets``: where the group stands on each partition, and setting it."""
