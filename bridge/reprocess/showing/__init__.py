"""Letters told: as rows of a list, one by one, and for scripts."""
