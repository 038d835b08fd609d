"""A proposal as a file: its keys, its comments, and examples in which no value of a record is left."""
