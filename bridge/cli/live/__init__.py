"""Commands that show what happens while it happens."""
