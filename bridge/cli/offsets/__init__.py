"""``track-bridge offsets``: the group's committed offsets, shown and set."""
