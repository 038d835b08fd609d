"""`track-bridge console`: pages for the operator, made on the server: the group, what needs someone, acting on it."""
