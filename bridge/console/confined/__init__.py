"""What a visitor typed is worked out in a process of its own: with little memory, little time, and one at a time."""
