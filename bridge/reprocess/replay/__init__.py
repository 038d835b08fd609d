"""Dead letters sent again: which, in what order, and what is written down of it."""
