"""Works with dead letters: reads, selects, maps again, replays and resolves them."""
