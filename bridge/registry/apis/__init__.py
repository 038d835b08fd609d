"""What a registry is asked and how it answers: one file for each API."""
