"""What a single key may hold, and the sentence for what it may not."""
