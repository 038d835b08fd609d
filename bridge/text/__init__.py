"""How amounts, times, tables and foreign text are written, in one way for every room. Pure."""
