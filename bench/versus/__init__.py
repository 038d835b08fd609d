"""The bridge and Kafka Connect with an HTTP sink: the same records, the same API, the same mishaps."""
