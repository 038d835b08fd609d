"""What is written under `mapping.events`, and the examples of it."""
