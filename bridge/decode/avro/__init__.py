"""Avro: a schema's text becomes nodes, and these a reader that is written as Python source for that one schema."""
