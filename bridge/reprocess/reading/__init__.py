"""Dead letters with what became of each: read, counted, selected."""
