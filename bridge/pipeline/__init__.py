"""Decides when each request goes, in which order, and when an offset is complete. No I/O, no clock of its own."""
