"""Times as people and programs write them beside ISO 8601: other spellings, a format, a zone by its name."""
