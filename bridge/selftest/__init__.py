"""`track-bridge selftest`: the whole process under a seeded schedule of faults, and what became of every event."""
