"""Writes a configuration's text in one way, with its comments where they are; what it means never changes."""
