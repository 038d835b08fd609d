"""The metrics by subject, each declared once; `bridge.ops.catalogue` puts them together."""
