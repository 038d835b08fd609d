"""Was this event sent? A record, its way through the mapping, and what became of each of its events."""
