"""The bridge beside others that send records by HTTP: the same records, the same API, the same mishaps."""
