"""From bytes to the value that expressions see: one decoder for each format, in one table. Pure."""
