"""Records of a file or a topic through the mapping: what ``map`` and ``send`` read, and what becomes of it."""
