"""Works with dead letters: reads, selects, maps anew, replays and resolves them."""
