"""The metrics: one declaration each, by subject; `catalogue` puts them together."""
