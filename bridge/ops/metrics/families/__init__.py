"""The metrics by subject, each declared once; `bridge.ops.metrics.catalogue` puts them together."""
