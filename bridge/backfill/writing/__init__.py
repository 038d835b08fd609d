"""Records in, rows out: the same bytes whenever it is done, and however often it is interrupted."""
