"""The command that writes a configuration in one way."""
