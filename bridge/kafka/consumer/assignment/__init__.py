"""Partitions that come, go, are drained or held."""
