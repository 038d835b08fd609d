"""Side-by-side measurements: what an event costs, next to the least it can cost."""
