"""What a schema says of the values that are read by it: asked by whoever compares a mapping with one."""
